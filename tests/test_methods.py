"""A result says who found it, and the reason given for the rate is true of that method."""

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from downslope import DescentClassifier, DescentRegressor
from downslope.bowl.methods import why_no_rate

G = np.random.default_rng(0)


def rows(n: int, d: int) -> Any:
    return np.random.default_rng(n + d).normal(size=(n, d))


SMALL, LONG, WIDE = rows(300, 6), rows(40_000, 30), sparse.random_array((800, 3000), density=0.01)
NUMBERS: list[tuple[dict[str, Any], Any, str]] = [
    ({}, SMALL, "iterative refinement"),
    ({}, LONG, "normal equations"),
    ({}, rows(40_000, 80), "sketched conjugate gradients"),
    ({"loss": "poisson"}, SMALL, "Newton's method"),
    ({"loss": "poisson"}, LONG, "sketched L-BFGS"),
    ({"loss": "quantile"}, SMALL, "an interior point method"),
    ({"loss": "quantile"}, LONG, "smoothing"),
    ({"penalty": "l1", "alpha": 0.01}, SMALL, "proximal Newton"),
    ({"penalty": "l1", "alpha": 0.01}, sparse.csr_array(WIDE), "working sets"),
    ({}, sparse.csr_array(WIDE), "scaled L-BFGS"),
    ({"learning_rate": 0.1, "max_iter": 3}, SMALL, "gradient descent"),
    ({"learning_rate": 0.1, "batch_size": 1, "max_iter": 3}, SMALL, "stochastic gradient descent"),
    (
        {"learning_rate": 0.1, "rule": "adam", "batch_size": 32, "max_iter": 3},
        SMALL,
        "mini-batch adam",
    ),
]


@pytest.mark.parametrize(("settings", "X", "method"), NUMBERS, ids=[row[2] for row in NUMBERS])
def test_the_method_is_told(settings: dict[str, Any], X: Any, method: str) -> None:
    y = np.abs(X[:, :2].sum(axis=1)) + np.random.default_rng(1).exponential(size=X.shape[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = DescentRegressor(**settings).fit(X, np.asarray(y).ravel())
    assert fitted.result_.method == method
    if "learning_rate" not in settings:
        assert fitted.learning_rate_reason_ == why_no_rate(method)


def test_classes_one_against_the_rest_tell_it_once() -> None:
    y = np.digitize(SMALL[:, 0] + 0.5 * G.normal(size=300), [-0.5, 0.5])
    fitted = DescentClassifier(loss="squared_hinge").fit(SMALL, y)
    assert fitted.result_.method == "Newton's method"
    assert DescentClassifier().fit(SMALL, y).result_.method == "Newton's method"


def test_every_method_says_why_it_needs_no_rate() -> None:
    generic = why_no_rate("")
    for _, _, method in NUMBERS[:10]:
        assert why_no_rate(method) != generic
    assert why_no_rate("coordinate descent, coordinate descent") == why_no_rate(
        "coordinate descent"
    )
