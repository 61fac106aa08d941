"""DescentRegressor: numbers, counts and amounts."""

from numbers import Real
from os import PathLike
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from downslope.estimating import ROWS
from downslope.far import fit_far, is_far
from downslope.linear import CONSTRAINTS, LinearDescent
from downslope.losses import predict_mean
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.settings import REGRESSION, check_partial, choose_loss
from downslope.sources.weights import sample_weights
from downslope.targets import Coded, check_range

Array = Any


class DescentRegressor(RegressorMixin, LinearDescent):  # type: ignore[misc]
    """Linear regression by gradient descent, with no learning rate to choose.

    Minimises ``mean_i weight_i loss(x_i @ coef_ + intercept_, y_i) + penalty(coef)`` over the
    coefficients and the intercept. Columns are standardised inside and the weights given back in
    the units of the columns.

    Parameters
    ----------
    loss : str, default "squared_error"
        "squared_error" (half the squared error, as in scikit-learn), "mse" (its double, as in
        textbooks), "huber", "absolute_error", "quantile", "epsilon_insensitive",
        "squared_epsilon_insensitive", or, for counts and positive amounts, "poisson" and "gamma",
        which predict ``exp(raw prediction)``.
    penalty : {"l2", "l1", "elasticnet", "none"} or None, default "l2"
        What large coefficients cost, times ``alpha``; L1 gives exact zeros.
    alpha : float, default 0
        Weight of the penalty. 0, so that the defaults are plain least squares. It acts on the
        coefficients of the standardised columns, so that a column's unit does not change the model;
        with ``scaling="none"`` on those of the columns as they are, as in scikit-learn.
    l1_ratio : float, default 0.15
        Share of L1 in "elasticnet".
    fit_intercept : bool, default True
        Whether there is an intercept; it is never penalised.
    max_iter : int, default 1000
        Largest number of passes over the rows.
    tol : float, "auto" or None, default "auto"
        When to stop early. Without a learning rate: bound on the distance to the lowest value,
        relative to the progress made. All rows per step: length of the gradient relative to its
        first ("auto": 1e-6). Smaller batches: scikit-learn's fall of the mean loss per epoch in
        ``n_iter_no_change`` epochs ("auto": 1e-3). None runs ``max_iter`` passes.
    shuffle : bool or "block", default True
        Order of the rows in an epoch: random, as they lie (False), or shuffled blocks of
        neighbours, which is several times faster on large tables.
    verbose : int, default 0
        Print a line per epoch if above 0.
    epsilon : float, default 0.1
        Of "huber" and the epsilon-insensitive losses, in units of the target.
    quantile : float, default 0.5
        Of the "quantile" loss.
    random_state : int, RandomState or None, default None
        Order of the rows and all other chance; the same number gives the same model.
    learning_rate : "auto", float, str or Rate, default "auto"
        "auto" needs none (see Notes). A number is a constant rate on the scaled problem.
        scikit-learn's "constant", "optimal", "invscaling", "adaptive" start at ``eta0`` and step on
        single rows unless ``batch_size`` says otherwise. Also "step", "exponential", "cosine",
        "onecycle", "armijo", "adaptive_descent", "polyak", or an object of ``downslope.rates``.
    eta0 : float, default 0.01
        First (for "onecycle" the largest) rate of a named schedule.
    power_t : float, default 0.25
        Exponent of "invscaling".
    early_stopping : bool, default False
        Set ``validation_fraction`` of the rows aside, stop when their loss has not fallen for
        ``n_iter_no_change`` epochs, and keep the weights of its best value.
    validation_fraction : float, default 0.1
        Share of the rows set aside by ``early_stopping``.
    n_iter_no_change : int, default 5
        Epochs without progress before stopping.
    warm_start : bool, default False
        Start from the last fit's weights. Without a learning rate that saves passes where the
        problem is much the same, and changes nothing else; losses with corners and batches start
        as always.
    average : bool or int, default False
        Answer the mean of the weights over all steps, or over those from that number on.
    rule : str or Rule, default "auto"
        Which way to step: "plain", "momentum", "nesterov", "adagrad", "adadelta", "rmsprop",
        "adam", "amsgrad", "nadam", "adamw", or an object of ``downslope.rules``.
    batch_size : int, "full", None or "auto", default "auto"
        Rows per step: "full" or None for all, 1 for stochastic descent, k for mini-batches.
    scaling : {"auto", "standardize", "none"}, default "auto"
        Whether columns are centred and divided by their deviation while learning. Sparse columns
        stay sparse; where single rows or batches are stepped on they are divided, not centred.
    record : {"auto", "steps"}, default "auto"
        Small batches run as machine code and record once per epoch; "steps" records every step.
    device : str or None, default None
        Where the passes run: "cuda", "cuda:1", "cpu" through PyTorch. None: NumPy arrays here,
        tensors where they are. Without a learning rate only.
    checkpoint : path or None, default None
        Folder in which the run is kept, so that it can go on after a crash: to the same bits.
        Such a run draws the same numbers again where ``random_state`` is None.
    every : float, default 30
        Seconds between two checkpoints; 0 keeps every step or pass.
    resume : bool, default False
        Go on from ``checkpoint``, if it holds one. Without it a folder that does is refused.
    max_seconds : float or None, default None
        Most seconds of training, asked after every step and, where a quarter more is spent, inside
        it. The best weights so far are kept, with the height above the lowest loss that they may
        have left where it is known, and a warning. None: no limit but ``max_iter``.

    Attributes
    ----------
    coef_ : array of shape (n_features,)
    intercept_ : array of shape (1,)
    n_iter_ : int
        Passes over the rows.
    t_ : float
        Updates made, plus 1, as in scikit-learn.
    history_ : Trace
        One row per step or epoch, weights in the units of the columns.
    reason_ : Reason
        Why the run ended, with its sentence.
    result_ : Result
        The run on the scaled columns.
    learning_rate_ : Rate
        The rate in use.
    learning_rate_reason_ : str
        Where it comes from.
    diagnosis_ : Diagnosis
        What the run shows, worked out when asked for.

    Raises
    ------
    InputError, SettingError, PairError
        In a sentence, when the input or the settings cannot be used.

    Warns
    -----
    NotConverged
        With the reason, when the run ended before its goal; a diverged run keeps its last finite
        weights.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[1000.0, 1.0], [2000.0, 0.0], [3000.0, 1.0], [4000.0, 0.0]])
    >>> model = DescentRegressor().fit(X, X @ [0.25, 5.0] + 1.0)
    >>> model.coef_.round(4), model.intercept_.round(4)
    (array([0.25, 5.  ]), array([1.]))
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS | {
        "loss": [StrOptions(set(REGRESSION))],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 0.0,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | str | None = "auto",
        shuffle: bool | str = True,
        verbose: int = 0,
        epsilon: float = 0.1,
        quantile: float = 0.5,
        random_state: Any = None,
        learning_rate: float | str | Rate = "auto",
        eta0: float = 0.01,
        power_t: float = 0.25,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 5,
        warm_start: bool = False,
        average: bool | int = False,
        rule: str | Rule = "auto",
        batch_size: int | str | None = "auto",
        scaling: str = "auto",
        record: str = "auto",
        device: str | None = None,
        checkpoint: str | PathLike[str] | None = None,
        every: float = 30.0,
        resume: bool = False,
        max_seconds: float | None = None,
    ) -> None:
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.epsilon = epsilon
        self.quantile = quantile
        self.random_state = random_state
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.warm_start = warm_start
        self.average = average
        self.rule = rule
        self.batch_size = batch_size
        self.scaling = scaling
        self.record = record
        self.device = device
        self.checkpoint = checkpoint
        self.every = every
        self.resume = resume
        self.max_seconds = max_seconds

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Array,
        y: Array,
        sample_weight: Array | None = None,
        X_val: Array | None = None,
        y_val: Array | None = None,
    ) -> "DescentRegressor":
        """Learn from rows.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Or a Dask array or data frame, or a PyTorch tensor: such rows stay where they are.
        y : array of shape (n_samples,)
        sample_weight : array of shape (n_samples,), optional
            How much each row counts.
        X_val, y_val : optional
            Rows of your own to validate on: they end the run as in ``early_stopping``.
        """
        if is_far(X):
            fit_far(self, X, y, sample_weight, X_val)
            return self
        X, y = validate_data(self, X, y, y_numeric=True, **self._accepted())
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        sample_weight = sample_weights(sample_weight, len(y))
        if self.device is not None:
            fit_far(self, X, y, sample_weight, X_val)
            return self
        self._fit(X, y, sample_weight, self._validation(X_val, y_val), metadata)
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Array, y: Array, sample_weight: Array | None = None
    ) -> "DescentRegressor":
        """One pass over some rows, going on from the last call; see ``fit``."""
        first = "coef_" not in vars(self)
        X, y = validate_data(self, X, y, y_numeric=True, reset=first, **ROWS)
        check_partial(self.early_stopping, None)
        sample_weight = sample_weights(sample_weight, len(y))
        self._partial_fit(X, y, sample_weight)
        return self

    def predict(self, X: Array) -> Array:
        """Predicted targets, shape (n_samples,)."""
        z = self._raw(X)[:, 0]
        return predict_mean(choose_loss(self.loss, self.epsilon, self.quantile), z)

    def _code(self, y: Array) -> Coded:
        y = np.asarray(y, dtype=np.float64)
        check_range(self.loss, y)
        return Coded(y, 1)

    def _shaped(self, w: Array) -> tuple[Array, Array]:
        coef, intercept = super()._shaped(w)
        return coef[0], intercept
