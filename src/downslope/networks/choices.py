"""What a network's settings leave open: batch size, passes, learning rate, when to stop."""

import math
from typing import Any

from downslope.networks.network import Network
from downslope.rates import Rate
from downslope.rules import Rule
from downslope.settings import choose_rate, given_batch_size
from downslope.stopping import Progress, Stop, Validation, VanishedRate
from downslope.trials import peak_rate, planned

Array = Any
FEW_ROWS = 64
"""Up to so many rows every step sees all of them."""
TOTAL_STEPS = 3000
"""Steps of a whole fit, unless that is under 10 or over 300 passes."""
JUDGED_ROWS = 1024
"""Rows that trial runs are judged on."""
TOL = 1e-4
"""Fall of the loss per epoch that counts as progress, scikit-learn's for networks."""
STARTED = ("constant", "invscaling", "adaptive", "step", "exponential", "cosine", "onecycle")
"""Named rates that begin from a number; the others find their own lengths."""
PLANNED = ("warmup", "cosine", "onecycle")
"""Rates that end with the last pass."""


def choose_batch_size(batch_size: int | str | None, n_rows: int) -> int | None:
    """Rows per step, None for all.

    "auto": all of up to 64 rows; else the power of two nearest to the root of their number, from 32
    to 512, so that both the steps per pass and the rows per step grow with the data.

    Raises
    ------
    SettingError
        If it is not a whole number above 0, "auto", "full" or None.

    Examples
    --------
    >>> [choose_batch_size("auto", n) for n in (50, 1_500, 10_000, 1_000_000)]
    [None, 32, 128, 512]
    """
    if batch_size == "auto":
        if n_rows <= FEW_ROWS:
            return None
        return min(512, max(32, 1 << round(math.log2(n_rows) / 2)))
    return given_batch_size(batch_size, n_rows)


def choose_epochs(max_iter: int | str, batch_size: int | None, n_rows: int) -> int:
    """Passes over the rows: as asked, or as many as make 3,000 steps, from 10 to 300.

    Examples
    --------
    >>> choose_epochs("auto", 128, 10_000), choose_epochs(7, 128, 10_000)
    (38, 7)
    """
    if isinstance(max_iter, str):
        per_epoch = math.ceil(n_rows / (batch_size or n_rows))
        return min(300, max(10, math.ceil(TOTAL_STEPS / per_epoch)))
    return max_iter


def choose_peak(
    network: Network, w0: Array, rule: Rule, batch_size: int | None, n_steps: int, seed: int
) -> tuple[float, str]:
    """Highest learning rate of a run, by trying several, judged on a sample of the rows."""
    rows = network.source.sample(JUDGED_ROWS, seed)  # type: ignore[attr-defined]
    return peak_rate(
        network,
        w0,
        rule,
        lambda w: network.value(w, rows),
        total_steps=n_steps,
        batch_size=batch_size,
        seed=seed,
    )


def choose_network_rate(
    learning_rate: float | str | Rate,
    peak: float,
    *,
    power_t: float,
    alpha: float,
    network: Network,
    patience: int,
    tol: float | None,
    n_steps: int,
) -> Rate:
    """The rate that the settings name; "auto" rises for a while, then falls to 0 by the end."""
    if learning_rate == "auto":
        return planned(peak, n_steps)
    return choose_rate(
        learning_rate,
        eta0=peak,
        power_t=power_t,
        alpha=alpha,
        loss=network.loss,
        tol=tol,
        patience=patience,
        steps=n_steps,
    )


def choose_stops(
    tol: float | str | None, patience: int, rate: Rate, validated: bool
) -> tuple[Stop, ...]:
    """When to stop before the last pass.

    Validation rows decide where there are some. A rate with a planned end is walked to it. Else
    scikit-learn's criterion, no fall of an epoch's mean loss by ``tol`` in ``patience`` epochs.
    """
    if tol is None:
        return ()
    fall = TOL if isinstance(tol, str) else float(tol)
    if validated:
        return (Validation(fall, patience),)
    if rate.name in PLANNED:
        return ()
    if rate.name == "adaptive":
        return (VanishedRate(),)
    return (Progress(fall, patience),)
