"""Settings by name turned into the parts of a walk.

An estimator's parameters are names and numbers; the walk takes objects. Names that scikit-learn
has keep their meaning here.
"""

from typing import Any

from downslope.errors import PairError, SettingError
from downslope.losses import LogLoss, Loss, Multinomial, make_loss
from downslope.rates import (
    Adaptive,
    AdaptiveDescent,
    Armijo,
    Constant,
    Cosine,
    Exponential,
    InverseScaling,
    OneCycle,
    Optimal,
    Polyak,
    Rate,
    Stairs,
)
from downslope.rules import RULES, Rule, make_rule
from downslope.stopping import (
    GradientNorm,
    MaxEpochs,
    MaxSeconds,
    Progress,
    Stop,
    Validation,
    VanishedRate,
)

REGRESSION = (
    "squared_error",
    "mse",
    "huber",
    "absolute_error",
    "quantile",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "poisson",
    "gamma",
)
SIGNED = ("log_loss", "hinge", "squared_hinge", "modified_huber", "perceptron")
CLASSIFICATION = (
    *SIGNED,
    "squared_error",
    "mse",
    "huber",
    "absolute_error",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
)
"""Losses of a classifier: those made for signs, and those that measure the distance to them."""
SKLEARN_RATES = ("constant", "optimal", "invscaling", "adaptive")
RATE_NAMES = (
    "auto",
    *SKLEARN_RATES,
    "step",
    "exponential",
    "cosine",
    "onecycle",
    "armijo",
    "adaptive_descent",
    "polyak",
)
FULL_TOL = 1e-6
"""Full batch: the gradient's length relative to its first."""
PROGRESS_TOL = 1e-3
"""Smaller batches: scikit-learn's fall of the mean loss per epoch."""


def choose_loss(name: str, epsilon: float, quantile: float, n_classes: int = 2) -> Loss:
    """Loss of that name with its parameter; log loss of several classes is the softmax one."""
    if name == "log_loss" and n_classes > 2:
        return Multinomial()
    return make_loss(name, quantile if name == "quantile" else epsilon)


def choose_rule(rule: str | Rule) -> Rule:
    """The rule itself, or the one of that name with its usual settings."""
    if not isinstance(rule, str):
        return rule
    return make_rule("plain" if rule == "auto" else rule)


def choose_batch_size(
    batch_size: int | str | None, learning_rate: float | str | Rate, n_rows: int
) -> int | None:
    """Rows per step, None for all.

    "auto" is all rows, except for scikit-learn's four rates, which there mean single rows.

    Raises
    ------
    SettingError
        If it is not a whole number above 0, "auto", "full" or None.
    """
    if batch_size == "auto":
        single = isinstance(learning_rate, str) and learning_rate in SKLEARN_RATES
        return 1 if single and n_rows > 1 else None
    return given_batch_size(batch_size, n_rows)


def given_batch_size(batch_size: int | str | None, n_rows: int) -> int | None:
    """Rows per step where somebody says how many; None for all.

    Raises
    ------
    SettingError
        If it is not a whole number above 0, "full" or None.
    """
    if batch_size is None or batch_size == "full":
        return None
    if isinstance(batch_size, str) or int(batch_size) != batch_size or batch_size < 1:
        raise SettingError(
            f"batch_size={batch_size!r} must be a whole number above 0, 'full' (or None) for all "
            "rows, or 'auto'."
        )
    return int(batch_size) if batch_size < n_rows else None


def choose_rate(
    learning_rate: float | str | Rate,
    *,
    eta0: float,
    power_t: float,
    alpha: float,
    loss: Loss,
    tol: float | None,
    patience: int,
    steps: int,
) -> Rate:
    """A rate by name, by number, or as it is.

    Parameters
    ----------
    learning_rate : float, str or Rate
        A number is a constant rate; names are those of ``RATE_NAMES`` but "auto".
    eta0 : float
        First rate of the named schedules.
    power_t : float
        Exponent of "invscaling".
    alpha : float
        Penalty weight, which "optimal" is built on.
    loss : Loss
        For the start of "optimal".
    tol, patience
        When "adaptive" counts an epoch as no progress, and how many of them it waits.
    steps : int
        Updates in the whole run, for the schedules that have an end.

    Raises
    ------
    SettingError
        If no rate has that name or a number is out of its range.
    """
    if not isinstance(learning_rate, (str, int, float)):
        return learning_rate
    if not isinstance(learning_rate, str):
        return Constant(float(learning_rate))
    match learning_rate:
        case "constant":
            return Constant(eta0)
        case "invscaling":
            return InverseScaling(eta0, power_t)
        case "optimal":
            return _optimal(alpha, loss)
        case "adaptive":
            return Adaptive(eta0, 0.0 if tol is None else tol, patience)
        case "step":
            return Stairs(eta0, max(1, steps // 5))
        case "exponential":
            return Exponential(eta0, 1e-3 ** (1.0 / max(1, steps)))
        case "cosine":
            return Cosine(eta0, max(1, steps))
        case "onecycle":
            return OneCycle(eta0, max(2, steps))
        case "armijo":
            return Armijo()
        case "adaptive_descent" | "auto":
            return AdaptiveDescent()
        case "polyak":
            return Polyak()
    raise SettingError(
        f"learning_rate={learning_rate!r} is unknown; use a number above 0 or one of "
        f"{', '.join(RATE_NAMES)}."
    )


def _optimal(alpha: float, loss: Loss) -> Optimal:
    if not alpha > 0.0:
        raise SettingError(
            f"learning_rate='optimal' is 1 / (alpha (t0 + t)), so alpha={alpha!r} must be above 0; "
            "set alpha, or use learning_rate='auto'."
        )
    typical = alpha**-0.25
    # Of a softmax, the slope between two of its classes.
    pair = LogLoss() if loss.link == "softmax" else loss
    return Optimal(alpha, float(pair.slope(-typical, 1.0)))


def choose_stops(
    *,
    max_iter: int,
    tol: float | str | None,
    patience: int,
    batch_size: int | None,
    rate: Rate,
    validated: bool,
    max_seconds: float | None = None,
) -> tuple[Stop, ...]:
    """When to stop, by what can be trusted in each kind of run.

    The caps always hold. ``tol=None`` leaves them alone. Validation rows decide where there are
    some. All rows at once: the gradient's length falls to ``tol`` times its first. Smaller batches:
    scikit-learn's criterion, no fall of an epoch's mean loss by ``tol`` in ``patience`` epochs
    ("adaptive" lowers its rate then instead, until it has vanished).
    """
    caps: tuple[Stop, ...] = (MaxEpochs(max_iter),)
    if max_seconds is not None:
        caps = (*caps, MaxSeconds(max_seconds))
    if tol is None:
        return caps
    if validated:
        return (Validation(1e-4 if tol == "auto" else float(tol), patience), *caps)
    if rate.name == "adaptive":
        return (VanishedRate(), *caps)
    if batch_size is None:
        return (GradientNorm(FULL_TOL if tol == "auto" else float(tol)), VanishedRate(0.0), *caps)
    return (Progress(PROGRESS_TOL if tol == "auto" else float(tol), patience), *caps)


def check_names(rule: Any, scaling: str) -> None:
    """Refuse a rule or scaling that does not exist.

    Raises
    ------
    SettingError
        With the names there are.
    """
    if isinstance(rule, str) and rule != "auto" and rule not in RULES:
        raise SettingError(f"rule={rule!r} is unknown; choose one of auto, {', '.join(RULES)}.")
    if scaling not in ("auto", "standardize", "none"):
        raise SettingError(
            f"scaling={scaling!r} is unknown; choose 'auto', 'standardize' or 'none'."
        )


def check_partial(early_stopping: bool, class_weight: Any) -> None:
    """Refuse what cannot be known from one part of the rows.

    Raises
    ------
    PairError
        For early stopping or balanced class weights with ``partial_fit``.
    """
    if early_stopping:
        raise PairError(
            "early_stopping=True needs all rows to set some aside, but partial_fit sees a part; "
            "use fit, or early_stopping=False."
        )
    if class_weight == "balanced":
        raise PairError(
            "class_weight='balanced' counts the classes of all rows, but partial_fit sees a part; "
            "count them on a sample and pass the weights as a dict."
        )
