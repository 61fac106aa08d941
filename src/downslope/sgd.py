"""scikit-learn's stochastic gradient descent, epoch by epoch: one set of weights.

The estimators of ``drop_in`` are a shell around this. Criteria, schedules and the order of the rows
are scikit-learn's; see ``kernels.sgd`` for the steps.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy import sparse

from downslope.errors import InputError
from downslope.kernels.making import stopwatch
from downslope.kernels.views import read_only, unsigned
from downslope.losses import Loss
from downslope.stopping import Reason
from downslope.trace import Record, Recorder, Trace

Array = Any
RATES = {"constant": 0, "adaptive": 0, "optimal": 1, "invscaling": 2, "pa1": 3, "pa2": 4}
PENALTIES = {None: 0, "l1": 1, "l2": 2, "elasticnet": 3}
SLOWEST = 1e-6
"""An adaptive rate below this has vanished."""


@dataclass(frozen=True)
class SgdSettings:
    """What to do; names as in scikit-learn."""

    loss: Loss
    penalty: str | None
    alpha: float
    l1_ratio: float
    fit_intercept: bool
    max_iter: int
    tol: float | None
    shuffle: bool
    verbose: int
    learning_rate: str
    eta0: float
    power_t: float
    n_iter_no_change: int
    average: int


@dataclass
class SgdWeights:
    """What is learned: weights and their average, and the number of the next step."""

    coef: Array
    intercept: float
    mean_coef: Array
    mean_intercept: float
    step: float


@dataclass(frozen=True)
class SgdRows:
    """Rows to learn from.

    Parameters
    ----------
    X : array or CSR matrix of shape (n_rows, n_features)
    y : array of shape (n_rows,)
    weights : array of shape (n_rows,)
    held : array of bool, shape (n_rows,)
        Rows kept for validation.
    positive, negative : float
        Weight of rows whose target is above 0, and of the others.
    """

    X: Array
    y: Array
    weights: Array
    held: Array
    positive: float = 1.0
    negative: float = 1.0


@dataclass(frozen=True)
class SgdRun:
    """How a run went: the weights it was given have changed."""

    epochs: int
    trace: Trace
    reason: Reason


@dataclass
class _Progress:
    """Epochs in a row that have not beaten the best by ``tol``."""

    tol: float | None
    best: float = math.inf
    stale: int = 0

    def see(self, objective: float) -> None:
        """One more epoch."""
        stale = self.tol is not None and objective > self.best - self.tol
        self.stale = self.stale + 1 if stale else 0
        self.best = min(self.best, objective)


@dataclass
class _State:
    """Arrays that the machine code changes."""

    given: SgdWeights
    average: bool
    w: Array = field(init=False)
    mean: Array = field(init=False)
    numbers: Array = field(init=False)

    def __post_init__(self) -> None:
        from downslope.kernels import sgd as code

        self.w = np.array(self.given.coef, dtype=np.float64)
        self.mean = np.array(self.given.mean_coef if self.average else (), dtype=np.float64)
        self.numbers = np.zeros(code.STATE_SIZE)
        self.numbers[[code.SCALE, code.MEAN_GROWTH]] = 1.0
        self.numbers[code.SQUARES] = self.w @ self.w
        self.numbers[code.SIZES] = np.abs(self.w).sum()
        self.numbers[code.BIAS] = self.given.intercept
        self.numbers[code.MEAN_BIAS] = self.given.mean_intercept
        self.numbers[code.STEP] = self.given.step

    def finite(self) -> bool:
        """Whether the weights still are."""
        from downslope.kernels.sgd import BIAS

        return bool(np.isfinite(self.w).all() and math.isfinite(self.numbers[BIAS]))

    def give_back(self) -> None:
        """Write what was learned into the weights that were given."""
        from downslope.kernels import sgd as code

        code.take_scale(self.w, self.mean, self.numbers)
        self.given.coef[:] = self.w
        self.given.intercept = float(self.numbers[code.BIAS])
        if self.average:
            self.given.mean_coef[:] = self.mean
            self.given.mean_intercept = float(self.numbers[code.MEAN_BIAS])
        self.given.step = float(self.numbers[code.STEP])


def sgd(
    rows: SgdRows,
    weights: SgdWeights,
    settings: SgdSettings,
    seed: int,
    score: Callable[[Array, float], float] | None = None,
) -> SgdRun:
    """Descend from ``weights``, which are changed in place.

    Parameters
    ----------
    rows : SgdRows
    weights : SgdWeights
    settings : SgdSettings
    seed : int
        Of the shuffling; the same one gives scikit-learn's order.
    score : callable, optional
        Score of weights and intercept on the rows held back; if there is one, it decides when to
        stop.

    Raises
    ------
    InputError
        If the weights are no longer finite.
    """
    from downslope.kernels import sgd as code

    state, progress = _State(weights, settings.average > 0), _Progress(settings.tol)
    learn = _pass(rows, state, settings, judged=score is None or settings.verbose > 0)
    order, n_train = np.arange(len(rows.y)), len(rows.y) - int(rows.held.sum())
    recorder, began, eta = Recorder(keep_weights=False), stopwatch(), settings.eta0
    reason = Reason("max_epochs", f"Stopped after {settings.max_iter} passes, the cap.", False)
    for epoch in range(1, settings.max_iter + 1):
        if settings.shuffle:
            code.shuffle(order, seed)
        last = learn(order, eta)
        loss, value = state.numbers[code.LOSSES] / n_train, state.numbers[code.VALUES] / n_train
        if not state.finite():
            raise InputError(
                f"Floating-point under-/overflow occurred at epoch #{epoch}. Scaling input data "
                "with StandardScaler or MinMaxScaler might help."
            )
        k, seconds = int(state.numbers[code.STEP]) - 1, stopwatch() - began
        recorder.add(Record(k, epoch, value, loss, math.nan, last, seconds), state.w)
        if score is None:
            progress.see(value)
        else:
            # without their common scale, which scikit-learn leaves out here
            progress.see(-score(state.w, float(state.numbers[code.BIAS])))
        if settings.verbose:
            print(f"-- Epoch {epoch}: step {k}, mean loss {loss:.6f}, mean objective {value:.6f}")
        if progress.stale >= settings.n_iter_no_change:
            if settings.learning_rate != "adaptive" or eta <= SLOWEST:
                sentence = f"No progress by {settings.tol:g} in {progress.stale} passes."
                reason = Reason("stalled", sentence, converged=True)
                break
            eta, progress.stale = eta / 5.0, 0
    state.give_back()
    return SgdRun(epoch, recorder.trace(), reason)


def _pass(
    rows: SgdRows, state: _State, settings: SgdSettings, *, judged: bool
) -> Callable[[Array, float], float]:
    """One pass over the rows as machine code: from their order and the rate to the last rate.

    ``judged`` asks for the mean loss and the objective too.
    """
    from downslope.kernels import sgd as code

    X = unsigned(rows.X) if sparse.issparse(rows.X) else read_only(rows.X)
    optimal = settings.learning_rate == "optimal"
    typical = settings.alpha**-0.25 if optimal else 1.0
    l1_ratio = {"l1": 1.0, "l2": 0.0}.get(settings.penalty or "", settings.l1_ratio)
    paid = np.zeros(len(state.w) if settings.penalty in ("l1", "elasticnet") else 0)

    def learn(order: Array, eta: float) -> float:
        last: float = code.sgd_epoch(
            X,
            rows.y,
            rows.weights,
            rows.held,
            order,
            state.w,
            state.mean,
            paid,
            state.numbers,
            settings.average,
            judged,
            settings.fit_intercept,
            0.01 if sparse.issparse(rows.X) else 1.0,
            settings.loss.code,
            float(settings.loss.parameter),
            PENALTIES[settings.penalty],
            settings.alpha,
            l1_ratio,
            rows.positive,
            rows.negative,
            RATES[settings.learning_rate],
            eta,
            settings.power_t,
            1.0 / (typical * settings.alpha) if optimal else 0.0,
        )
        return last

    return learn
