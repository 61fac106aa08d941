"""What a person asks of a fit, the choices left open made, and the settings of its training."""

from dataclasses import dataclass, replace

from downslope.errors import SettingError
from downslope.losses import make_loss
from downslope.penalties import make_penalty
from downslope.settings import (
    CLASSIFICATION,
    REGRESSION,
    check_names,
    choose_batch_size,
    choose_loss,
    choose_rate,
)
from downslope.tables import Understood
from downslope.training import Settings


@dataclass(frozen=True)
class Ask:
    """What a person asks of a fit; every field is an option of ``downslope fit``.

    Parameters
    ----------
    target : str or None
        Column to predict; a libsvm file has its own.
    task : {"auto", "regression", "classification"}
    loss : str, default "auto"
        The textbook mean of squares (``mse``) for numbers, ``log_loss`` for classes.
    alpha : float or None
        Weight of the penalty; by default 0 for numbers and 1e-4 for classes, which a plane may
        separate, and then nothing else keeps the weights finite.
    batch_size, rule, learning_rate, scaling, max_iter, max_seconds, tol
        As in ``DescentRegressor``.
    test_size : float, default 0.25
        Share of rows kept aside to judge the model by.
    seed : int, default 42
        Which rows are kept aside, and the order of the others.
    """

    target: str | None = None
    task: str = "auto"
    loss: str = "auto"
    parameter: float | None = None
    features: tuple[str, ...] | None = None
    drop: tuple[str, ...] = ()
    kinds: tuple[tuple[str, str], ...] = ()
    penalty: str = "l2"
    alpha: float | None = None
    l1_ratio: float = 0.15
    fit_intercept: bool = True
    batch_size: int | str | None = "auto"
    rule: str = "auto"
    learning_rate: float | str = "auto"
    eta0: float = 0.01
    scaling: str = "auto"
    max_iter: int = 1000
    max_seconds: float | None = None
    tol: float | str | None = "auto"
    test_size: float = 0.25
    seed: int = 42


def settled(ask: Ask, view: Understood) -> Ask:
    """The choices that were left open, made; a loss that does not fit the target is refused."""
    regression = view.target.task == "regression"
    known = REGRESSION if regression else CLASSIFICATION
    loss = ("mse" if regression else "log_loss") if ask.loss == "auto" else ask.loss
    if loss not in known and loss in (*REGRESSION, *CLASSIFICATION):
        kind = "numbers" if regression else f"{len(view.target.classes)} classes"
        raise SettingError(
            f"loss={loss!r} does not fit the target {view.target.name!r}, which is {kind} "
            f"({view.target.reason}); use one of {', '.join(known)}, or say --task."
        )
    make_loss(loss, ask.parameter)  # an unknown name or a parameter out of range speaks up here
    alpha = (0.0 if regression else 1e-4) if ask.alpha is None else ask.alpha
    return replace(ask, loss=loss, alpha=alpha)


def settings_for(ask: Ask, view: Understood, names: tuple[str, ...]) -> Settings:
    """Settings of the training; whatever cannot be is refused before anything is trained."""
    n_classes = max(len(view.target.classes), 2)
    check_names(ask.rule, ask.scaling)
    choose_batch_size(ask.batch_size, ask.learning_rate, len(view.target.y))
    if ask.max_iter < 1:
        raise SettingError(
            f"max_iter={ask.max_iter} passes over the rows is too few; use 1 or more."
        )
    if ask.max_seconds is not None and not ask.max_seconds > 0.0:
        raise SettingError(f"max_seconds={ask.max_seconds:g} leaves no time; use more than 0.")
    epsilon = 0.1 if ask.parameter is None else ask.parameter
    quantile = 0.5 if ask.parameter is None else ask.parameter
    assert ask.alpha is not None  # settled() has chosen it
    settings = Settings(
        loss=choose_loss(ask.loss, epsilon, quantile, n_classes),
        penalty=make_penalty(ask.penalty, ask.alpha, ask.l1_ratio),
        n_outputs=n_classes if n_classes > 2 else 1,
        fit_intercept=ask.fit_intercept,
        rule=ask.rule,
        learning_rate=ask.learning_rate,
        batch_size=ask.batch_size,
        scaling=ask.scaling,
        eta0=ask.eta0,
        alpha=ask.alpha,
        max_iter=ask.max_iter,
        max_seconds=ask.max_seconds,
        tol=ask.tol,
        seed=ask.seed,
        names=names,
    )
    if ask.learning_rate != "auto":
        choose_rate(
            ask.learning_rate,
            eta0=ask.eta0,
            power_t=settings.power_t,
            alpha=ask.alpha,
            loss=settings.loss,
            tol=None,
            patience=settings.patience,
            steps=ask.max_iter,
        )
    return settings


def settings_in_words(ask: Ask) -> dict[str, str]:
    """Settings as a person would read them."""
    features = "all that inform" if ask.features is None else ", ".join(ask.features)
    penalty = "none" if not ask.alpha or ask.penalty == "none" else f"{ask.penalty}, {ask.alpha:g}"
    words = {
        "target": str(ask.target),
        "features": features,
        "loss": ask.loss,
        "penalty": penalty,
        "rule": ask.rule,
        "learning rate": str(ask.learning_rate),
        "batch size": "all rows" if ask.batch_size is None else str(ask.batch_size),
        "scaling": ask.scaling,
        "most passes over the rows": f"{ask.max_iter:,}",
        "rows kept aside": f"{ask.test_size:.0%}",
        "seed": str(ask.seed),
    }
    if ask.max_seconds is not None:
        words["most seconds"] = f"{ask.max_seconds:g}"
    if ask.drop:
        words["left out"] = ", ".join(ask.drop)
    return words
