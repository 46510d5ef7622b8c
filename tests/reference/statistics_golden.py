"""Golden numbers of the statistics.

    python statistics_golden.py        # needs scipy 1.17, statsmodels 0.15; writes ../golden/

| file | a row |
|---|---|
| `statistics.csv` | two samples, the margin, and scipy's `ttest_ind(equal_var=False)` with its 95 % confidence interval, and the larger p of the two one-sided tests `ttest_ind(a + margin, b, alternative="greater")` and `ttest_ind(a - margin, b, alternative="less")` |
| `paired.csv` | two samples, `ttest_rel` with its 95 % confidence interval, and `permutation_test(permutation_type="samples")` of the mean difference over all exchanges |
| `mcnemar.csv` | images that one alone has right, the other alone, p of statsmodels' `mcnemar(exact=True)`, and the mid-p: that less the probability of just this split (`binom.pmf`); where both are equal, 1 less half of it |
| `holm.csv` | probabilities, and those of statsmodels' `multipletests(method="holm")` |
| `noncentral.csv` | t, degrees of freedom, noncentrality, and the probability above t: mpmath's integral of the definition, to 30 digits, and scipy's `nct.sf`, which must agree within 1e-9 where it is a number |
| `spread.csv` | level, degrees of freedom, and the upper end of the interval of a standard deviation of 1: `sqrt(df / chi2.ppf((1 - level) / 2, df))` |
| `power.csv` | the design, effect, n, alpha, the power by `TTestPower` and `TTestIndPower` (by the definition where they have none), and the fewest values with which it is 0.8 |
| `sequential.csv` | differences, alpha, the e-value by numeric integration of its definition (the noncentral density of t, `nct.pdf`, over effects with variance 2, by the central one), and the ends of the interval of mean differences whose e-value is below 1 / alpha, by `brentq`; empty where nothing is bounded |

Samples are numbers joined by spaces.
"""

import csv
import math
from pathlib import Path

import mpmath
import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import binom, chi2, nct, norm, permutation_test, ttest_ind, ttest_rel
from scipy.stats import t as student
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower

CASES = [
    ([66.1, 65.2, 67.3, 66.4, 66.0], [66.3, 65.4, 67.5, 66.2, 65.1], 1.5),
    ([40.1, 41.2, 39.9, 40.5, 41.0, 40.2, 39.5, 40.8], [44.9, 45.2, 44.1, 46.0, 45.5], 2.0),
    ([1.501, 1.502, 1.499], [1.5, 1.6, 1.4, 1.55], 0.05),
    ([10.0, 12.0], [11.0, 19.0], 1.0),
    ([50.0, 50.5, 49.5, 50.25, 49.75] * 4, [50.1, 50.6, 49.4, 50.35, 49.75] * 6, 0.5),
]
PAIRS = [
    ([93.1, 93.4], [92.8, 93.3]),
    ([94.21, 94.02, 94.35], [93.8, 94.1, 93.77]),
    ([66.1, 65.2, 67.3, 66.4, 66.0], [66.3, 65.4, 67.5, 66.2, 65.1]),
    ([75.5, 76.0, 74.5, 75.0, 76.5, 75.25], [75.0, 75.5, 74.0, 75.5, 76.0, 74.75]),
    ([94.0 + 0.01 * (7 * i % 11) for i in range(10)], [93.9 + 0.01 * (5 * i % 13) for i in range(10)]),
    ([90.0 + 0.1 * (3 * i % 7) for i in range(14)], [91.0 + 0.1 * (4 * i % 9) for i in range(14)]),
]
SPLITS = [(0, 0), (1, 0), (5, 5), (3, 9), (12, 3), (120, 80), (431, 498), (900, 700), (2500, 2400)]
TESTS = [[0.03], [0.01, 0.04, 0.03], [0.2, 0.001, 0.001, 0.9, 0.02], [0.6, 0.7, 0.8], [1e-9, 0.05] * 5]
TAILS = [
    (t, freedom, d)
    for t in (0.5, 2.0, 2.776445105, 12.7062047, 63.65674116)
    for freedom in (1, 2, 4, 9.5, 38, 400)
    for d in (-3.0, 0.0, 0.7, 2.5, 8.0, 60.0)
]
EFFECTS = (0.2, 0.5, 1.0, 1.7, 3.0, 12.0)
SIZES = (2, 3, 5, 10, 40)
ALPHAS = (0.05, 0.01, 0.05 / 21)
FOLDER = Path(__file__).resolve().parents[1] / "golden"


def write(name, header, rows):
    with (FOLDER / name).open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for row in rows:
            writer.writerow([repr(float(x)) if isinstance(x, float) else x for x in row])


def text(sample):
    return " ".join(repr(float(x)) for x in sample)


def welch():
    for a, b, margin in CASES:
        a, b = np.array(a), np.array(b)
        test = ttest_ind(a, b, equal_var=False)
        low, high = test.confidence_interval(0.95)
        below = ttest_ind(a + margin, b, equal_var=False, alternative="greater").pvalue
        above = ttest_ind(a - margin, b, equal_var=False, alternative="less").pvalue
        yield (text(a), text(b), margin, a.mean() - b.mean(), test.df, test.pvalue, low, high,
               max(below, above))


def paired():
    for a, b in PAIRS:
        a, b = np.array(a), np.array(b)
        test = ttest_rel(a, b)
        low, high = test.confidence_interval(0.95)
        flipped = permutation_test(
            (a, b), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples",
            n_resamples=np.inf, vectorized=True,
        )
        # scipy's two-sided p is twice the smaller tail; the distribution is symmetric.
        yield (text(a), text(b), (a - b).mean(), int(test.df), test.pvalue, low, high, flipped.pvalue)


def splits():
    for first, second in SPLITS:
        exact = mcnemar([[0, first], [second, 0]], exact=True).pvalue if first + second else 1.0
        point = binom.pmf(first, first + second, 0.5)
        mid = 1 - point / 2 if first == second else exact - point
        yield first, second, float(exact), float(mid)


def holm():
    for tests in TESTS:
        yield text(tests), text(multipletests(tests, method="holm")[1])


def tail(t, freedom, d):
    """P((Z + d) / S > t) with Z integrated, in 30 digits."""
    with mpmath.workdps(30):
        a = mpmath.mpf(freedom) / 2

        def inner(z):
            return mpmath.npdf(z) * mpmath.gammainc(a, 0, a * ((z + d) / t) ** 2, regularized=True)

        start = max(-d, -12)
        steps = [start + (12 - start) * mpmath.mpf(i) / 24 for i in range(25)] if start < 12 else []
        return float(mpmath.quad(inner, steps)) if steps else 0.0


def tails():
    for t, freedom, d in TAILS:
        ours, theirs = tail(t, freedom, d), nct.sf(t, freedom, d)
        assert math.isnan(theirs) or abs(ours - theirs) < 1e-9, (t, freedom, d, ours, theirs)
        yield t, freedom, d, ours


def spreads():
    for level in (0.5, 0.9, 0.95, 0.99, 0.9999):
        for freedom in (1, 2, 3, 4, 9.5, 38, 400):
            yield level, freedom, math.sqrt(freedom / chi2.ppf((1 - level) / 2, freedom))


def own_power(design, effect, n, alpha):
    """statsmodels' power; where scipy has no number, as of large effects, that by the definition."""
    if design == "paired":
        theirs, freedom, d = TTestPower().power(effect, n, alpha), n - 1, effect * math.sqrt(n)
    else:
        theirs = TTestIndPower().power(effect, n, alpha, ratio=1)
        freedom, d = 2 * n - 2, effect * math.sqrt(n / 2)
    if not math.isnan(theirs):
        return float(theirs)
    critical = float(student.isf(alpha / 2, freedom))
    return tail(critical, freedom, d) + tail(critical, freedom, -d)


def power():
    for design in ("paired", "two samples"):
        fewest = {
            (effect, alpha): next((n for n in range(2, 1001) if own_power(design, effect, n, alpha) >= 0.8), "")
            for effect in EFFECTS
            for alpha in ALPHAS
        }
        for effect in EFFECTS:
            for n in SIZES:
                for alpha in ALPHAS:
                    found = own_power(design, effect, n, alpha)
                    yield design, effect, n, float(alpha), found, fewest[effect, alpha]


DIFFERENCES = [
    ([0.3, -0.1, 0.4], 0.05),
    ([9.1, 8.2, 9.6, 8.8], 0.05),
    ([0.5, 0.2, -0.1, 0.3, 0.4, 0.1], 0.05 / 3),
    ([1.2, 0.4, 0.9, 1.5, 0.2, 0.8, 1.1, 0.6, 1.3, 0.7], 0.005),
    ([-0.02, 0.01, 0.03, -0.01, 0.0, 0.02, -0.03, 0.01, 0.02, -0.01, 0.0, 0.01], 0.05),
]
EXPECTED = 2.0


def e_value(differences, shift=0.0):
    sample = np.asarray(differences) - shift
    n = len(sample)
    t = sample.mean() / (sample.std(ddof=1) / math.sqrt(n))
    prior = norm(0, math.sqrt(EXPECTED))
    density = lambda effect: nct.pdf(t, n - 1, math.sqrt(n) * effect) * prior.pdf(effect)
    middle, wide = t / math.sqrt(n), 10 / math.sqrt(n)
    ends = [-9, min(max(middle - wide, -9), 9), min(max(middle + wide, -9), 9), 9]
    parts = zip(ends, ends[1:])
    whole = sum(quad(density, a, b, limit=500, epsabs=0, epsrel=1e-11)[0] for a, b in parts if b > a)
    return whole / student.pdf(t, n - 1)


def sequential():
    for differences, alpha in DIFFERENCES:
        mean, std = np.mean(differences), np.std(differences, ddof=1)
        over = lambda shift: e_value(differences, shift) - 1 / alpha
        far = 60 * std
        ends = ["", ""]
        if over(mean + far) > 0:
            ends = [repr(float(brentq(over, *pair, xtol=1e-13, rtol=1e-13)))
                    for pair in ((mean - far, mean), (mean, mean + far))]
        yield [text(differences), repr(alpha), repr(float(e_value(differences))), *ends]


def main():
    write("sequential.csv", ["differences", "alpha", "e_value", "low", "high"], sequential())
    write("statistics.csv",
          ["a", "b", "margin", "difference", "df", "p", "low", "high", "p_equivalence"], welch())
    write("paired.csv", ["a", "b", "difference", "df", "p", "low", "high", "p_sign_flip"], paired())
    write("mcnemar.csv", ["first_alone", "second_alone", "exact", "mid_p"], splits())
    write("holm.csv", ["p", "raised"], holm())
    write("noncentral.csv", ["t", "df", "noncentrality", "above"], tails())
    write("spread.csv", ["level", "df", "upper"], spreads())
    write("power.csv", ["design", "effect", "n", "alpha", "power", "fewest"], power())


if __name__ == "__main__":
    main()
