"""Reading digits: a network with no learning rate to choose, watched layer by layer.

python examples/digits.py
"""

import argparse

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from downslope import NetworkClassifier


def main(max_iter: int | str = "auto") -> dict[str, float]:
    X, X_test, y, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    model = NetworkClassifier((64, 32), max_iter=max_iter, random_state=0)
    model.fit(X, y, X_val=X_test, y_val=y_test)
    score, history = model.score(X_test, y_test), model.history_
    print(f"{score:.1%} of {len(y_test)} unseen digits right")
    print(f"rate: {model.learning_rate_reason_}")
    print(f"end: {model.reason_.sentence}\n")

    print("epoch  training  validation  gradient per layer   update over weights per layer")
    looked = np.flatnonzero(~np.isnan(history["update_ratio[0]"]))
    for at in looked[:: max(1, len(looked) // 8)]:
        norms = " ".join(f"{history[f'gradient_norm[{i}]'][at]:.3f}" for i in range(3))
        ratios = " ".join(f"{history[f'update_ratio[{i}]'][at]:.1e}" for i in range(3))
        epoch, training, held = (history[name][at] for name in ("epoch", "loss", "validation"))
        print(f"{epoch:5d}  {training:8.4f}  {held:10.4f}  {norms}    {ratios}")
    wrong = np.flatnonzero(model.predict(X_test) != y_test)[:5]
    chances = model.predict_proba(X_test[wrong])
    print("\nmistakes:")
    for i, chance in zip(wrong, chances, strict=True):
        print(f"  a {y_test[i]} taken for a {chance.argmax()} with {chance.max():.0%}")
    return {"score": score}


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    main()
