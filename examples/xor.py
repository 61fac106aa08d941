"""Exclusive or: the four points that no line can part, and the bend that parts them.

    python examples/xor.py

A linear model's lowest log loss here is ln 2: it can do no better than a coin. With a few hidden
units it is learned in a blink. Some starts of a very small network get caught, so many are tried.
"""

import argparse
import math

import numpy as np

from downslope import NetworkClassifier
from downslope.estimators import DescentClassifier

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([0, 1, 1, 0])


def main(starts: int = 20) -> dict[str, float]:
    line = DescentClassifier(alpha=0.0).fit(X, Y)
    print(f"a line: log loss {line.history_['value'][-1]:.4f}, a coin's is {math.log(2.0):.4f}")

    for units in (2, 3, 8):
        solved = 0
        for start in range(starts):
            model = NetworkClassifier(
                (units,), activation="tanh", alpha=0.0, learning_rate=0.1, max_iter=300,
                tol=None, random_state=start,
            ).fit(X, Y)  # fmt: skip
            solved += int((model.predict(X) == Y).all())
        print(f"{units} hidden units: {solved} of {starts} starts learn all four points")

    model = NetworkClassifier((8,), activation="tanh", random_state=0).fit(X, Y)
    for row, chance in zip(X, model.predict_proba(X)[:, 1], strict=True):
        print(f"  {row[0]:.0f} xor {row[1]:.0f}: {chance:.3f}")
    return {"line": float(line.history_["value"][-1]), "solved": solved / starts}


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    main()
