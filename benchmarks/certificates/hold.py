"""Solves a nasty problem through the public estimators and holds the bound that is told."""

import re
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.certificates.draw import L1_RATIO, LOSSES, PARAMETER, SIGNS, Nasty
from benchmarks.certificates.lower import lowest_met
from benchmarks.certificates.precise import precise
from downslope import DescentClassifier, DescentRegressor

Array = Any
DIGITS = 1.06
"""A bound is told to two digits."""
TOLD = re.compile(r"(?:[Aa]t most|up to) ([-+.e\d]+) above")
CANCELLING = 0.1
"""Share of what columns have in common by which answers may be off that differences are made of."""


@dataclass(frozen=True)
class Held:
    """What came of a problem.

    Attributes
    ----------
    value, bound : what was told; a bound of infinity where none was
    lower : lowest value met by walking on
    rounding : what the sums of the value may be wrong by
    misquoted : how far the told value is from that of the told weights
    reason, converged : how the fit ended
    seconds : of the fit, and of walking on
    """

    case: Nasty
    value: float
    bound: float
    lower: float
    rounding: float
    misquoted: float
    reason: str
    converged: bool
    seconds: tuple[float, float]

    @property
    def false(self) -> bool:
        """Whether something is lower than the bound allows."""
        return not self.lower >= self.value - self.bound - self.rounding


def estimator(case: Nasty) -> Any:
    """The public estimator with the settings of a problem."""
    ask = {
        "penalty": case.penalty,
        "alpha": case.alpha,
        "l1_ratio": L1_RATIO,
        "fit_intercept": case.fit_intercept,
        "scaling": case.scaling,
        "random_state": 0,
    }
    if case.loss == "multinomial" or case.loss in SIGNS:
        loss = "log_loss" if case.loss == "multinomial" else case.loss
        return DescentClassifier(loss=loss, **ask)
    at = PARAMETER.get(case.loss, 0.1)
    return DescentRegressor(case.loss, epsilon=at, quantile=PARAMETER["quantile"], **ask)


def hold(case: Nasty) -> Held:
    """Solve a problem, walk on from the answer, and compare."""
    assert case.loss in LOSSES
    began = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = estimator(case).fit(case.X, case.y, sample_weight=case.weights)
    solved = time.process_time()
    value, reason = float(model.history_["value"][-1]), model.reason_
    told = TOLD.search(reason.sentence)
    p = precise(case)
    W = p.start(model.coef_, model.intercept_)
    with np.errstate(all="ignore"):
        own, size, lower = float(p.value(W)), p.size(W), lowest_met(p, W)
    ulps = 4.0 * np.sqrt(len(case.y))
    if case.penalty == "none":  # large weights that cancel, each rounded
        ulps = max(ulps, CANCELLING / case.near)
    rounding = ulps * float(np.finfo(np.float64).eps) * size
    return Held(
        case,
        value,
        float(told[1]) * DIGITS if told else np.inf,
        min(lower, own),
        rounding,
        own - value,
        reason.name,
        reason.converged,
        (solved - began, time.process_time() - solved),
    )
