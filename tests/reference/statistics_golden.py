"""Golden numbers of Welch's test and of the equivalence test.

    python statistics_golden.py        # needs scipy 1.17, writes ../golden/statistics.csv

A row a case: two samples (numbers joined by spaces), the margin, and scipy's answers:
`ttest_ind(equal_var=False)` with its 95 % confidence interval, and the larger p of the two one-sided
tests `ttest_ind(a + margin, b, alternative="greater")` and `ttest_ind(a - margin, b,
alternative="less")`.
"""

import csv
from pathlib import Path

import numpy as np
from scipy.stats import ttest_ind

CASES = [
    ([66.1, 65.2, 67.3, 66.4, 66.0], [66.3, 65.4, 67.5, 66.2, 65.1], 1.5),
    ([40.1, 41.2, 39.9, 40.5, 41.0, 40.2, 39.5, 40.8], [44.9, 45.2, 44.1, 46.0, 45.5], 2.0),
    ([1.501, 1.502, 1.499], [1.5, 1.6, 1.4, 1.55], 0.05),
    ([10.0, 12.0], [11.0, 19.0], 1.0),
    ([50.0, 50.5, 49.5, 50.25, 49.75] * 4, [50.1, 50.6, 49.4, 50.35, 49.75] * 6, 0.5),
]
PATH = Path(__file__).resolve().parents[1] / "golden/statistics.csv"


def main():
    with PATH.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["a", "b", "margin", "difference", "df", "p", "low", "high", "p_equivalence"])
        for a, b, margin in CASES:
            a, b = np.array(a), np.array(b)
            test = ttest_ind(a, b, equal_var=False)
            low, high = test.confidence_interval(0.95)
            below = ttest_ind(a + margin, b, equal_var=False, alternative="greater").pvalue
            above = ttest_ind(a - margin, b, equal_var=False, alternative="less").pvalue
            texts = (" ".join(map(str, sample)) for sample in (a, b))
            numbers = (a.mean() - b.mean(), test.df, test.pvalue, low, high, max(below, above))
            writer.writerow([*texts, margin, *(repr(float(number)) for number in numbers)])


if __name__ == "__main__":
    main()
