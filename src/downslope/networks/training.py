"""One fit of a network, from rows to weights: scale, start, find a rate, walk.

What ``training`` is for linear models. Nothing of it knows where the rows live.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.descend import Result, State, begin, run
from downslope.kernels.team import one_thread_per_product
from downslope.losses import Loss
from downslope.memory_reuse import keep_freed_memory
from downslope.networks.activations import RELU, Activation
from downslope.networks.choices import (
    STARTED,
    TOTAL_STEPS,
    choose_batch_size,
    choose_epochs,
    choose_network_rate,
    choose_peak,
    choose_stops,
)
from downslope.networks.network import Network
from downslope.networks.readers import EachEpoch, LateMean, LayerWatch
from downslope.networks.scales import (
    Scales,
    Source,
    TargetScale,
    carried,
    column_scales,
    target_scales,
)
from downslope.penalties import NO_PENALTY, Penalty
from downslope.rates import Constant, Rate
from downslope.rules import Rule, make_rule
from downslope.scaling import pooled, unscaled
from downslope.sources.memory import MemoryRows, Rows
from downslope.stopping import MaxEpochs, Reason, Sight, Stop
from downslope.trace import Trace, joined

Array = Any
KEPT_ROWS = 1024
"""A fitted network keeps so many of its rows for its diagnosis; a pickle none."""


@dataclass(frozen=True)
class NetworkSettings:
    """What a network is to minimise, and how; names as in ``NetworkRegressor``."""

    loss: Loss
    n_outputs: int = 1
    hidden: tuple[int, ...] = (100,)
    activation: Activation = RELU
    start: str = "auto"
    penalty: Penalty = NO_PENALTY
    alpha: float = 0.0
    dropout: float = 0.0
    rule: str | Rule = "adam"
    learning_rate: float | str | Rate = "auto"
    eta0: float | str = "auto"
    power_t: float = 0.25
    batch_size: int | str | None = "auto"
    scaling: str = "auto"
    max_iter: int | str = "auto"
    tol: float | str | None = "auto"
    patience: int = 10
    seed: int = 0


@dataclass(frozen=True)
class TrainedNetwork:
    """What a fit leaves behind.

    Attributes
    ----------
    w : array of shape (n_weights,)
        Weights on the scaled columns and targets.
    network : Network
        What was minimised, on the scaled rows.
    scales : Scales
        What was done to columns and targets.
    result : Result
        The run.
    history : Trace
        Its trace, with columns ``gradient_norm[i]`` and ``update_ratio[i]`` of each layer, measured
        once per epoch (NaN between); earlier calls of a fit in parts come first.
    rule, rate : Rule, Rate
        Which way and how far the run stepped.
    peak : float
        The number that the rate was made from.
    why : str
        Where it comes from, in a sentence.
    state : State
        Where the walk stands.
    rows_seen : int
        Rows that the scales know of.
    """

    w: Array
    network: Network
    scales: Scales
    result: Result
    history: Trace
    rule: Rule
    rate: Rate
    peak: float
    why: str
    state: State
    rows_seen: int

    def raw_prediction(self, X: Array) -> Array:
        """Raw predictions for rows in the user's units."""
        z = self.network.raw_prediction(self.w, self.scales.columns.apply(X))
        return self.scales.undo(z)

    def layers_in_users_units(self) -> tuple[list[Array], list[Array]]:
        """Weights and biases of each layer for columns and targets as the user gave them."""
        d, n = self.network.source.n_features, self.network.n_outputs
        plain = Scales(unscaled(d), TargetScale(np.zeros(n), np.ones(n)))
        w = carried(self.w, self.network, self.scales, self.network, plain)
        layers = self.network.layers(w)
        return [W.copy() for W, _ in layers], [b.copy() for _, b in layers]

    def with_few_rows(self) -> "TrainedNetwork":
        """The same with a sample of its rows, enough for a diagnosis."""
        few = self.network.source.sample(KEPT_ROWS, seed=0)  # type: ignore[attr-defined]
        rows = MemoryRows(few.X, few.y, few.weights)
        return replace(self, network=replace(self.network, source=rows))

    def without_rows(self) -> "TrainedNetwork":
        """The same, able to predict, but holding no row that it was trained on."""
        none = MemoryRows(np.empty((0, self.network.source.n_features)), np.empty(0))
        return replace(self, network=replace(self.network, source=none))


@one_thread_per_product()
def train_network(
    rows: Source,
    settings: NetworkSettings,
    *,
    before: TrainedNetwork | None = None,
    validation: Source | None = None,
    each_epoch: Callable[[Sight], Reason | None] | None = None,
) -> TrainedNetwork:
    """Fit a network.

    Parameters
    ----------
    rows : Source
        Features and targets in the user's units, weights of mean 1.
    settings : NetworkSettings
    before : TrainedNetwork, optional
        An earlier fit to take the first weights from.
    validation : Source, optional
        Rows kept aside: they decide when to stop and which weights to keep.
    each_epoch : callable, optional
        Shown the run after every pass; a reason that it answers ends the run.
    """
    keep_freed_memory()
    scales = choose_scales(rows, settings)
    network = build(scaled(rows, scales), scales, settings)
    w0 = first_weights(network, scales, settings)
    if before is not None:
        w0 = carried(before.w, before.network, before.scales, network, scales)
    batch_size = choose_batch_size(settings.batch_size, rows.n_rows)
    n_epochs = choose_epochs(settings.max_iter, batch_size, rows.n_rows)
    n_steps = n_epochs * math.ceil(rows.n_rows / (batch_size or rows.n_rows))
    rule = make_rule(settings.rule) if isinstance(settings.rule, str) else settings.rule
    peak, why = pick_peak(network, w0, rule, settings, batch_size, n_steps)
    rate = pick_rate(network, settings, peak, n_steps)
    judge = None if validation is None else loss_on(validation, network, scales)
    watch, mean = LayerWatch(network), LateMean(judge)
    means = settings.learning_rate == "auto" and batch_size is not None
    stops: list[Stop] = [
        watch,
        *([mean] if means else []),
        *choose_stops(settings.tol, settings.patience, rate, validation is not None),
        *([] if each_epoch is None else [EachEpoch(each_epoch)]),
        MaxEpochs(n_epochs),
    ]
    result = run(
        network,
        w0,
        rule,
        rate,
        stops,
        batch_size=batch_size,
        seed=settings.seed,
        validate=mean.validate if means else judge,
        keep_weights=False,
    )
    result = mean.stand_in(result) if means else result
    history, state, n = watch.beside(result.trace), result.state, rows.n_rows
    assert state is not None  # a run always has one
    return TrainedNetwork(
        result.w, network, scales, result, history, rule, rate, peak, why, state, n
    )


@one_thread_per_product()
def train_network_more(
    rows: Source, settings: NetworkSettings, before: TrainedNetwork | None
) -> TrainedNetwork:
    """One pass over more rows, from where the last call left off.

    The columns are scaled by what all calls so far have seen of them and the first layer is carried
    over to the new scale exactly; targets keep the scale of the first call. The rate is constant,
    since the end is not known: half of the one that was found on the first rows.
    """
    keep_freed_memory()
    scales, seen = choose_scales(rows, settings), rows.n_rows
    if before is not None and settings.scaling != "none":
        seen += before.rows_seen
        columns = pooled(before.scales.columns, before.rows_seen, scales.columns, rows.n_rows)
        scales = Scales(columns, before.scales.targets)
    network = build(scaled(rows, scales), scales, settings)
    batch_size = choose_batch_size(settings.batch_size, rows.n_rows)
    if before is None:
        w0 = first_weights(network, scales, settings)
        rule = make_rule(settings.rule) if isinstance(settings.rule, str) else settings.rule
        peak, why = pick_peak(network, w0, rule, settings, batch_size, TOTAL_STEPS)
        rate = in_parts(network, settings, peak)
        state = begin(w0, rule, rate)
    else:
        rule, peak, why = before.rule, before.peak, before.why
        w0 = carried(before.state.w, before.network, before.scales, network, scales)
        rate = in_parts(network, settings, peak)
        state = before.state._replace(w=w0, rate_memory=rate.init(w0))
    watch = LayerWatch(network)
    result = run(
        network,
        w0,
        rule,
        rate,
        [watch, MaxEpochs(state.epoch + 1)],
        batch_size=batch_size,
        seed=settings.seed,
        keep_weights=False,
        state=state,
    )
    history, last = watch.beside(result.trace), result.state
    assert last is not None  # a run always has one
    if before is not None:
        history = joined(before.history, history)
    return TrainedNetwork(
        result.w, network, scales, result, history, rule, rate, peak, why, last, seen
    )


def choose_scales(rows: Source, settings: NetworkSettings) -> Scales:
    """Scales of columns and targets, unless the user wants them as they are."""
    if settings.scaling == "none":
        return Scales(unscaled(rows.n_features), None)
    return Scales(column_scales(rows), target_scales(rows, settings.loss))


def scaled(rows: Source, scales: Scales) -> Source:
    """Rows on the new scales: in memory once and for all, elsewhere as they are read."""
    if isinstance(rows, MemoryRows):
        changed = scales.change(Rows(rows.X, rows.y, rows.weights))
        return replace(rows, X=changed.X, y=changed.y)
    return scales.rows(rows)


def build(rows: Source, scales: Scales, settings: NetworkSettings) -> Network:
    """The network that the settings describe, on these rows."""
    return Network(
        rows,
        scales.loss(settings.loss),
        settings.hidden,
        settings.activation,
        settings.n_outputs,
        settings.penalty,
        settings.dropout,
    )


def first_weights(network: Network, scales: Scales, settings: NetworkSettings) -> Array:
    """Random weights; where predictions are exp(z), z starts at the logarithm of the mean.

    Columns that never vary start at 0 and stay there: nothing is known of them.
    """
    w = network.start(settings.seed, settings.start)
    network.layers(w)[0].W[scales.columns.constant] = 0.0
    if network.loss.link == "log":
        mean = network.source.total(lambda rows: rows.y.sum(axis=0)) / network.source.n_rows
        network.layers(w)[-1].b[...] = np.log(np.maximum(mean, 1e-12))
    return w


def pick_peak(
    network: Network,
    w0: Array,
    rule: Rule,
    settings: NetworkSettings,
    batch_size: int | None,
    n_steps: int,
) -> tuple[float, str]:
    """The number that the rate is made from: asked for, found by trying, or not needed."""
    named = isinstance(settings.learning_rate, str)
    if settings.learning_rate == "auto" or (named and settings.learning_rate in STARTED):
        if isinstance(settings.eta0, str):
            return choose_peak(network, w0, rule, batch_size, n_steps, settings.seed)
        return settings.eta0, "The learning rate is the one that was asked for."
    if isinstance(settings.learning_rate, (int, float)):
        return float(settings.learning_rate), "The learning rate is the one that was asked for."
    return math.nan, "The rate finds the length of each step itself."


def pick_rate(network: Network, settings: NetworkSettings, peak: float, n_steps: int) -> Rate:
    """The whole run's rate."""
    return choose_network_rate(
        settings.learning_rate,
        peak,
        power_t=settings.power_t,
        alpha=settings.alpha,
        network=network,
        patience=settings.patience,
        tol=settings.tol if isinstance(settings.tol, float) else None,
        n_steps=n_steps,
    )


def in_parts(network: Network, settings: NetworkSettings, peak: float) -> Rate:
    """The rate of a fit in parts: half the peak, or what was asked for by number or name."""
    if settings.learning_rate == "auto":
        return Constant(peak / 2.0)
    return pick_rate(network, settings, peak, TOTAL_STEPS)


def loss_on(validation: Source, network: Network, scales: Scales) -> Callable[[Array], float]:
    """Mean loss on rows kept aside, as a function of the weights."""
    held = replace(network, source=scaled(validation, scales), penalty=NO_PENALTY)
    return held.value
