"""A support vector machine is the same walk with another loss.

    python examples/svm.py

The hinge loss ``max(0, 1 - margin)`` asks every row to lie on the right side by a margin of 1. Rows
that do push no longer; the few that do not are the support vectors, and they alone hold the line.
"""

import argparse

import numpy as np
from sklearn.datasets import make_blobs
from sklearn.svm import LinearSVC

from downslope.estimators import DescentClassifier


def main() -> dict[str, float]:
    X, y = make_blobs(300, centers=[(0.0, 0.0), (4.0, 3.0)], cluster_std=1.3, random_state=0)
    model = DescentClassifier(
        "hinge", alpha=0.01, learning_rate="optimal", max_iter=60, tol=None, random_state=0
    ).fit(X, y)
    margins = np.where(y == 1, 1.0, -1.0) * model.decision_function(X)
    held_by = int((margins <= 1.0 + 1e-3).sum())
    (a, b), c = model.coef_[0], model.intercept_[0]
    print(f"line: {a:+.3f} x {b:+.3f} y {c:+.3f} = 0, {model.score(X, y):.1%} on its right side")
    print(f"{held_by} of {len(y)} rows lie on or inside the margin and hold it: support vectors")
    print(f"its width: {2.0 / np.hypot(a, b):.2f}")

    whole, few = (
        LinearSVC(loss="hinge", C=1.0 / (0.01 * len(y)), max_iter=100_000).fit(X[rows], y[rows])
        for rows in (np.ones(len(y), bool), margins <= 1.5)
    )
    print("scikit-learn's solver on all rows, and on those near the margin alone:")
    for line in (whole, few):
        (a, b), c = line.coef_[0], line.intercept_[0]
        print(f"  {a:+.3f} x {b:+.3f} y {c:+.3f} = 0")
    return {"score": model.score(X, y), "support_vectors": held_by}


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    main()
