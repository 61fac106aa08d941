"""What both drop-in estimators share: settings, starting weights, validation rows, last words."""

import warnings
from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model._base import SparseCoefMixin
from sklearn.model_selection import ShuffleSplit, StratifiedShuffleSplit
from sklearn.utils._param_validation import Interval, StrOptions

from downslope.auto_rate import batch_rate
from downslope.errors import DownslopeWarning
from downslope.losses import Loss, make_loss
from downslope.objective import Objective
from downslope.rates import Look, Probe
from downslope.rules import Plain
from downslope.sgd import SgdRun, SgdSettings, SgdWeights
from downslope.sources.memory import MemoryRows
from downslope.stopping import Reason
from downslope.trace import Trace

Array = Any
ROWS = {"accept_sparse": "csr", "dtype": (np.float64, np.float32), "order": "C"}
LARGEST = np.iinfo(np.int32).max
MUCH_WORSE = 100.0
"""A mean loss of so many times that of the weights it began with is worth a warning. The first
epochs of the default schedules overshoot by less."""
COMMON: dict[str, Any] = {
    "penalty": [StrOptions({"l2", "l1", "elasticnet"}), None],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both"), None],
    "fit_intercept": ["boolean"],
    "max_iter": [Interval(Integral, 1, None, closed="left")],
    "tol": [Interval(Real, 0, None, closed="left"), None],
    "shuffle": ["boolean"],
    "verbose": ["verbose"],
    "epsilon": [Interval(Real, 0, None, closed="left")],
    "random_state": ["random_state"],
    "learning_rate": [
        StrOptions({"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}),
    ],
    "eta0": [Interval(Real, 0, None, closed="neither")],
    "power_t": [Interval(Real, None, None, closed="neither")],
    "early_stopping": ["boolean"],
    "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
    "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
    "warm_start": ["boolean"],
    "average": [Interval(Integral, 0, None, closed="neither"), "boolean"],
}
REGRESSION = {
    "squared_error": (),
    "huber": ("epsilon", 0.1),
    "epsilon_insensitive": ("epsilon", 0.1),
    "squared_epsilon_insensitive": ("epsilon", 0.1),
}
CLASSIFICATION = {
    "hinge": (),
    "squared_hinge": (),
    "perceptron": (),
    "log_loss": (),
    "modified_huber": (),
    **REGRESSION,
}
FITTED = (
    "coef_",
    "intercept_",
    "_average_coef",
    "_average_intercept",
    "_standard_coef",
    "_standard_intercept",
)
PASSIVE_AGGRESSIVE = ("pa1", "pa2")


class SgdModel(SparseCoefMixin, BaseEstimator):  # type: ignore[misc]
    """What both share: settings, starting weights, validation rows, and what is said at the end."""

    _passive_aggressive_loss: ClassVar[str]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @abstractmethod
    def _shaped(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Weights (outputs, features) and intercepts (outputs,) as ``coef_`` and ``intercept_``."""

    def _check(self, in_parts: bool = False) -> None:
        if self.early_stopping and in_parts:
            raise ValueError("early_stopping should be False with partial_fit")
        if self.learning_rate == "optimal" and self.alpha == 0:
            raise ValueError(
                "alpha must be > 0 since learning_rate is 'optimal'. alpha is used to compute the "
                "optimal learning rate."
            )
        if self.learning_rate in PASSIVE_AGGRESSIVE and self.loss != self._passive_aggressive_loss:
            raise ValueError(
                f"Learning rate '{self.learning_rate}' only works with loss "
                f"'{self._passive_aggressive_loss}'."
            )
        if self.penalty == "elasticnet" and self.l1_ratio is None:
            raise ValueError("l1_ratio must be set when penalty is 'elasticnet'")

    def _loss(self) -> Loss:
        return make_loss(self.loss, self.epsilon)

    def _settings(self, max_iter: int) -> SgdSettings:
        return SgdSettings(
            loss=self._loss(),
            penalty=self.penalty,
            alpha=self.alpha,
            l1_ratio=0.0 if self.l1_ratio is None else self.l1_ratio,
            fit_intercept=self.fit_intercept,
            max_iter=max_iter,
            tol=self.tol,
            shuffle=self.shuffle,
            verbose=int(self.verbose),
            learning_rate=self.learning_rate,
            eta0=self.eta0,
            power_t=self.power_t,
            n_iter_no_change=self.n_iter_no_change,
            average=int(self.average),
        )

    def _forget(self, coef_init: Array | None, intercept_init: Array | None) -> tuple[Any, Any]:
        """Clear what an earlier fit left, except where it is to start from it."""
        if self.warm_start and "coef_" in vars(self):
            coef_init = vars(self)["coef_"] if coef_init is None else coef_init
            intercept_init = vars(self)["intercept_"] if intercept_init is None else intercept_init
        for name in FITTED:
            self.__dict__.pop(name, None)
        self.t_ = 1.0
        return coef_init, intercept_init

    def _begin(self, n_outputs: int, coef_init: Any, intercept_init: Any) -> list[SgdWeights]:
        """Weights to start from, one set per output."""
        d = self.n_features_in_
        if "coef_" in vars(self):
            averaged = "_standard_coef" in vars(self)
            W = np.atleast_2d(self._standard_coef if averaged else self.coef_)
            b = np.atleast_1d(self._standard_intercept if averaged else self.intercept_)
            mean_W = np.atleast_2d(self._average_coef) if averaged else np.zeros_like(W)
            mean_b = np.atleast_1d(self._average_intercept) if averaged else np.zeros_like(b)
        else:
            W, b = _given(n_outputs, d, coef_init, intercept_init)
            mean_W, mean_b = np.zeros_like(W), np.zeros_like(b)
        return [
            SgdWeights(
                np.array(W[c], dtype=np.float64),
                float(b[c]),
                np.array(mean_W[c], dtype=np.float64),
                float(mean_b[c]),
                self.t_,
            )
            for c in range(n_outputs)
        ]

    def _keep(self, learned: list[SgdWeights], runs: list[SgdRun], n_rows: int, dtype: Any) -> None:
        """Set the attributes of a fitted model."""
        W, b = self._stacked([(part.coef, part.intercept) for part in learned], dtype)
        longest = max(runs, key=lambda run: run.epochs)
        self.n_iter_ = longest.epochs
        self.t_ += self.n_iter_ * n_rows
        self.history_: Trace = longest.trace
        self.reason_: Reason = longest.reason
        if self.average > 0:
            means = [(part.mean_coef, part.mean_intercept) for part in learned]
            self._standard_coef, self._standard_intercept = W, b
            self._average_coef, self._average_intercept = self._stacked(means, dtype)
        reached = 0 < self.average <= self.t_ - 1.0
        self.coef_ = self._average_coef if reached else W
        self.intercept_ = self._average_intercept if reached else b

    def _stacked(self, parts: list[tuple[Array, float]], dtype: Any) -> tuple[Array, Array]:
        W = np.stack([coef for coef, _ in parts]).astype(dtype)
        return self._shaped(W, np.array([bias for _, bias in parts], dtype=dtype))

    def _hold_out(self, y: Array, weights: Array) -> Array:
        """Mask of the rows that ``early_stopping`` keeps for validation."""
        held = np.zeros(len(y), dtype=bool)
        if not self.early_stopping:
            return held
        splitter = StratifiedShuffleSplit if "classes_" in vars(self) else ShuffleSplit
        split = splitter(test_size=self.validation_fraction, random_state=self.random_state)
        taught, kept = next(split.split(np.zeros((len(y), 1)), y))
        if not np.any(weights[kept]):
            raise ValueError(
                "The sample weights for validation set are all zero, consider using a different "
                "random state."
            )
        if not (len(taught) and len(kept)):
            raise ValueError(
                f"validation_fraction={self.validation_fraction} of {len(y)} samples leaves "
                f"{len(taught)} to learn from and {len(kept)} to validate on; change it, or use "
                "early_stopping=False."
            )
        held[kept] = True
        return held

    def _tell(self, X: Array, y: Array, begun: float) -> None:
        """Warn where the fit was cut short, or ended somewhere worse than it began."""
        if self.tol is not None and self.n_iter_ == self.max_iter:
            warnings.warn(
                "Maximum number of iteration reached before convergence. Consider increasing "
                "max_iter to improve the fit.",
                ConvergenceWarning,
                stacklevel=4,
            )
        if self.power_t < 0:
            warnings.warn(
                "Negative values for `power_t` are deprecated in version 1.8 and will raise an "
                "error in 1.10. Use values in the range [0.0, inf) instead.",
                FutureWarning,
                stacklevel=4,
            )
        ended = float(self.history_["loss"][-1])
        if not ended <= MUCH_WORSE * begun:
            warnings.warn(self._complaint(X, y, begun, ended), DownslopeWarning, stacklevel=4)

    def _complaint(self, X: Array, y: Array, begun: float, ended: float) -> str:
        rate, _ = batch_rate(Objective(MemoryRows(X, y), self._loss()), Plain(), 1, y)
        look = Look(0, 0, np.zeros(1), 0.0, np.zeros(1), np.zeros(1), None, _no_probe)
        safe, _ = rate.length(look, rate.init(np.zeros(1)))
        used = float(self.history_["rate"][0])
        return (
            f"The mean loss ended at {ended:.3g}, above the {begun:.3g} of the weights it began "
            f"with: the learning rate, {used:.3g} after one pass, is too long for these columns, "
            f"whose single rows bear up to {safe:.3g}. Scale the columns (StandardScaler) or lower "
            "eta0; the estimators of downslope.estimators need neither."
        )


def _no_probe(length: float) -> Probe:
    raise AssertionError("a rate for batches does not probe")


def _given(n: int, d: int, coef_init: Any, intercept_init: Any) -> tuple[Array, Array]:
    """Starting weights of the user's own, or zeros."""
    W, b = np.zeros((n, d)), np.zeros(n)
    if coef_init is not None:
        dense = coef_init.toarray() if sparse.issparse(coef_init) else coef_init
        coef = np.asarray(dense, dtype=np.float64)
        if n > 1 and coef.shape != (n, d):
            raise ValueError("Provided ``coef_`` does not match dataset. ")
        if n == 1 and coef.size != d:
            raise ValueError("Provided coef_init does not match dataset.")
        W = coef.reshape(n, d)
    if intercept_init is not None:
        intercept = np.asarray(intercept_init, dtype=np.float64)
        if intercept.shape != (n,) and not (n == 1 and intercept.shape == ()):
            raise ValueError("Provided intercept_init does not match dataset.")
        b = intercept.reshape(n)
    return W, b
