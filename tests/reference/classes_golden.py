"""Golden numbers of classes.

    python classes_golden.py        # needs scikit-learn 1.9; writes ../golden/classes.csv

A row: the classes of images, what two networks say of them, then of scikit-learn the
`confusion_matrix` of the first network over 10 classes row by row, its `recall_score` of each class
(empty where the class has no image), `cohen_kappa_score` of the two networks (empty where it is no
number), and the share of images of which they say the same, %. Numbers are joined by spaces.
"""

import csv
import math
import warnings
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, cohen_kappa_score, confusion_matrix, recall_score

CLASSES = list(range(10))


def case(generator, images, classes, skill, other_skill):
    """Labels, and two networks that are right this often and guess otherwise."""
    labels = generator.integers(0, classes, images)

    def said(skill):
        return np.where(generator.random(images) < skill, labels, generator.integers(0, classes, images))

    return labels, said(skill), said(other_skill)


def cases():
    generator = np.random.default_rng(0)
    for images in (1, 7, 60, 400):
        for classes in (2, 5, 10):
            yield case(generator, images, classes, 0.8, 0.6)
    yield case(generator, 100, 10, 1.0, 1.0)
    yield case(generator, 100, 10, 0.0, 0.0)
    yield np.zeros(5, int), np.full(5, 3), np.full(5, 3)
    yield np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0])


def joined(numbers):
    return " ".join("nan" if math.isnan(number) else repr(float(number)) for number in numbers)


def row(labels, first, second):
    matrix = confusion_matrix(labels, first, labels=CLASSES)
    recall = recall_score(labels, first, labels=CLASSES, average=None, zero_division=np.nan)
    kappa = cohen_kappa_score(first, second)
    plain = [" ".join(map(str, numbers)) for numbers in (labels, first, second, matrix.ravel())]
    share = 100 * accuracy_score(first, second)
    return [*plain, joined(recall), "" if math.isnan(kappa) else repr(float(kappa)), repr(float(share))]


def main():
    warnings.simplefilter("ignore")
    path = Path(__file__).resolve().parents[1] / "golden" / "classes.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["labels", "first", "second", "confusion", "recall", "kappa", "agreement"])
        writer.writerows(row(*numbers) for numbers in cases())


main()
