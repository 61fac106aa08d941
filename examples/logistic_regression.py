"""Logistic regression by gradient descent: one number per column, and what each step was worth.

    python examples/logistic_regression.py

569 tumours measured in 30 ways (scikit-learn's copy of the Wisconsin data). The columns lie between
0.0001 and 4,000, which would make a plain walk crawl; they are standardised inside, and the weights
come back in the columns' own units.
"""

import argparse

from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from downslope.estimators import DescentClassifier


def main() -> dict[str, float]:
    table = load_breast_cancer(as_frame=True)
    X, X_test, y, y_test = train_test_split(table.data, table.target, random_state=0)

    model = DescentClassifier(alpha=0.01).fit(X, y)
    print(f"default: {model.score(X_test, y_test):.1%} of {len(y_test)} unseen tumours right")
    print(f"  {model.reason_.sentence}")

    walk = DescentClassifier(
        alpha=0.01, rule="plain", learning_rate=0.1, batch_size=None, max_iter=300, tol=None
    ).fit(X, y)
    print(f"300 textbook steps of 0.1: {walk.score(X_test, y_test):.1%}")
    for step in (0, 10, 100, 300):
        print(f"  step {step:3d}  mean loss {walk.history_['value'][step]:.4f}")
    print(walk.diagnosis_)

    raw = DescentClassifier(
        alpha=0.01, rule="plain", learning_rate=1e-6, scaling="none", batch_size=None,
        max_iter=300, tol=None,
    ).fit(X, y)  # fmt: skip
    print(f"the same steps on raw columns, at a rate they bear: {raw.score(X_test, y_test):.1%}")
    print(raw.diagnosis_)
    return {"default": model.score(X_test, y_test), "textbook": walk.score(X_test, y_test)}


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    main()
