"""A multilayer perceptron for numbers, in scikit-learn's world, with no learning rate to choose.

The walk is the one of the linear models; see ``network`` for the passes and ``choices`` for what is
chosen where a setting says "auto".
"""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import validate_data

from downslope.estimating import ROWS
from downslope.far import on_cluster
from downslope.losses import predict_mean
from downslope.networks.descent import CONSTRAINTS, NetworkDescent
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.settings import REGRESSION, check_partial, choose_loss
from downslope.sources.weights import sample_weights
from downslope.targets import Coded, check_range

Array = Any


class NetworkRegressor(RegressorMixin, NetworkDescent):  # type: ignore[misc]
    """Regression by a multilayer perceptron, with no learning rate to choose.

    Minimises the mean over rows and outputs of ``loss(z, y)`` plus the penalty on all weights but
    the biases. Columns and targets are standardised inside (targets where the loss is one of the
    difference); losses in ``history_`` and learning rates refer to that scale unless
    ``scaling="none"``.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer.
    activation : {"relu", "tanh", "logistic", "gelu", "identity"}, default "relu"
    loss : str, default "squared_error"
        As in ``DescentRegressor``.
    penalty : {"l2", "l1", "elasticnet", "none"} or None, default "l2"
        Times ``alpha``; needs a rule without step lengths of its own for "l1".
    alpha : float, default 0
        Weight of the penalty, in units of the mean loss. (scikit-learn's networks divide theirs by
        the number of rows.)
    l1_ratio : float, default 0.15
    dropout : float, default 0
        Share of hidden units switched off at each step.
    rule : str or Rule, default "adam"
        Which way: any of ``rules.RULES``.
    learning_rate : float, str or Rate, default "auto"
        "auto" tries several on a few per cent of the steps, takes the best, warms up to it and
        falls along a cosine to 0 by the last pass; of mini-batches the mean of the weights is
        validated and kept, in which about the last ninth of the steps counts. A number is a
        constant rate; names are those of ``DescentRegressor``.
    eta0 : float or "auto", default "auto"
        Number that a named rate begins from; "auto" finds it by trying.
    power_t : float, default 0.25
        Exponent of "invscaling".
    batch_size : int, "auto", "full" or None, default "auto"
        Rows per step. "auto" is all of up to 64 rows, else about the root of their number, from 32
        to 512.
    max_iter : int or "auto", default "auto"
        Passes over the rows; "auto" makes 3,000 steps, in 10 to 300 passes.
    tol : float, "auto" or None, default "auto"
        Fall of the loss per pass that counts as progress ("auto": 1e-4); rates with a planned end
        are walked to it, unless there are validation rows. None runs all passes.
    n_iter_no_change : int, default 10
        Passes without progress that end a run.
    early_stopping : bool, default False
        Keep ``validation_fraction`` of the rows aside, stop when their loss stops falling, and
        keep the weights of its lowest value.
    validation_fraction : float, default 0.1
    shuffle : bool or "block", default True
    random_state : int, RandomState or None, default None
        First weights, order of rows and dropout.
    warm_start : bool, default False
        Begin from the weights of the last fit.
    scaling : {"auto", "standardize", "none"}, default "auto"
        Standardise columns and targets inside ("auto" and "standardize" are the same).
    start : {"auto", "he", "glorot"}, default "auto"
        Spread of the first weights; "auto" goes by the activation.
    epsilon : float, default 0.1
        Width of "huber" and the insensitive losses, in units of the target.
    quantile : float, default 0.5
    verbose : int, default 0
        Print the mean value of each pass.

    Attributes
    ----------
    coefs_, intercepts_ : lists of arrays
        Weights (inputs, units) and biases of each layer, in the units of columns and targets.
    history_ : Trace
        One row per step; ``gradient_norm[i]`` and ``update_ratio[i]`` of layer i once per pass.
    learning_rate_, learning_rate_reason_ : Rate, str
        What the run stepped by and where that comes from.
    reason_ : Reason
        Why the run ended.
    result_ : Result
        The run itself.
    n_iter_, t_, n_layers_, n_outputs_ : int
        Passes, steps (plus 1), layers, predictions per row.

    Examples
    --------
    >>> X = np.linspace(-3.0, 3.0, 200)[:, None]
    >>> y = np.sin(X[:, 0])
    >>> model = NetworkRegressor((20,), activation="tanh", random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.999)
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = CONSTRAINTS | {
        "loss": [StrOptions(set(REGRESSION))],
        "epsilon": [Interval(Real, 0, None, closed="left")],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
    }

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: str = "relu",
        *,
        loss: str = "squared_error",
        penalty: str | None = "l2",
        alpha: float = 0.0,
        l1_ratio: float = 0.15,
        dropout: float = 0.0,
        rule: str | Rule = "adam",
        learning_rate: float | str | Rate = "auto",
        eta0: float | str = "auto",
        power_t: float = 0.25,
        batch_size: int | str | None = "auto",
        max_iter: int | str = "auto",
        tol: float | str | None = "auto",
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        shuffle: bool | str = True,
        random_state: Any = None,
        warm_start: bool = False,
        scaling: str = "auto",
        start: str = "auto",
        epsilon: float = 0.1,
        quantile: float = 0.5,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.dropout = dropout
        self.rule = rule
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.shuffle = shuffle
        self.random_state = random_state
        self.warm_start = warm_start
        self.scaling = scaling
        self.start = start
        self.epsilon = epsilon
        self.quantile = quantile
        self.verbose = verbose

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: Array,
        y: Array,
        sample_weight: Array | None = None,
        X_val: Array | None = None,
        y_val: Array | None = None,
    ) -> "NetworkRegressor":
        """Learn from rows.

        Parameters
        ----------
        X : array, sparse matrix or Dask collection of shape (n_samples, n_features)
            Dask rows stay where they are.
        y : array of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array of shape (n_samples,), optional
            How much each row counts.
        X_val, y_val : optional
            Rows of your own to validate on: they end the run as in ``early_stopping``.
        """
        if on_cluster(X):
            self._fit_far(X, y, sample_weight, X_val, y_val)
            return self
        X, y = validate_data(self, X, y, y_numeric=True, multi_output=True, **ROWS)
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        sample_weight = sample_weights(sample_weight, len(y))
        self._fit(X, y, sample_weight, self._validation(X_val, y_val), metadata)
        return self

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self, X: Array, y: Array, sample_weight: Array | None = None
    ) -> "NetworkRegressor":
        """One pass over some rows, going on from the last call; see ``fit``."""
        first = "_trained" not in vars(self)
        X, y = validate_data(self, X, y, y_numeric=True, multi_output=True, reset=first, **ROWS)
        check_partial(self.early_stopping, None)
        sample_weight = sample_weights(sample_weight, len(y))
        self._partial_fit(X, y, sample_weight)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def predict(self, X: Array) -> Array:
        """Predicted targets, shape (n_samples,) or (n_samples, n_outputs)."""
        return predict_mean(choose_loss(self.loss, self.epsilon, self.quantile), self._raw(X))

    def _code(self, y: Array) -> Coded:
        y = np.asarray(y, dtype=np.float64)
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        check_range(self.loss, y)
        return Coded(y, 1 if y.ndim == 1 else y.shape[1])
