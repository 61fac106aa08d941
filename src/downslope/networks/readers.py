"""Readers of a network's walk that stand among its stops, since stops see every step."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.descend import Result
from downslope.networks.network import Network, layer_norms
from downslope.stopping import Reason, Sight
from downslope.trace import Trace

Array = Any
TINY = np.finfo(float).tiny
LATE = 8
"""A mean of which about the last ninth of the steps counts, however many there are."""


@dataclass(frozen=True)
class EachEpoch:
    """A stop that shows every finished pass to a reader, who may end the run."""

    show: Callable[[Sight], Reason | None]

    def init(self) -> None:
        return None

    def ask(self, sight: Sight, memory: None) -> tuple[Reason | None, None]:
        return (None if sight.epoch_value is None else self.show(sight)), None


class LayerWatch:
    """A reader in a stop's place: what each layer's gradient and updates were, once per epoch.

    An update's length over the weights' length is about 1e-3 in a run that goes well; far above,
    the layer is thrown about, far below, it stands still.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self.seen = 0
        self.start: Array | None = None
        self.rows: list[int] = []
        self.gradient_norms: list[Array] = []
        self.update_ratios: list[Array] = []

    def init(self) -> None:
        """There is no memory to begin with."""

    def ask(self, sight: Sight, memory: None) -> tuple[None, None]:
        """Never ends a run."""
        if self.start is not None:
            moved = layer_norms(self.network, sight.w - self.start)
            self.update_ratios.append(
                moved / np.maximum(layer_norms(self.network, self.start), TINY)
            )
            self.start = None
        if self.seen == 0 or sight.epoch_value is not None:
            self.rows.append(self.seen)
            self.gradient_norms.append(layer_norms(self.network, sight.gradient))
            self.start = sight.w
        self.seen += 1
        return None, None

    def beside(self, trace: Trace) -> Trace:
        """The trace with what was seen as columns."""
        columns = dict(trace.columns)
        measured = {"gradient_norm": self.gradient_norms, "update_ratio": self.update_ratios}
        for name, values in measured.items():
            for i in range(len(self.network.shapes)):
                column = np.full(len(trace), np.nan)
                column[self.rows[: len(values)]] = [value[i] for value in values]
                columns[f"{name}[{i}]"] = column
        return replace(trace, columns=columns)


class LateMean:
    """A reader in a stop's place: the mean of the weights, late ones above all.

    Mini-batches push the weights about. Their mean lies where a smaller rate would have led,
    without the wait for it, so the mean is what is validated and answered. Step ``k`` takes it a
    share ``(LATE + 1) / (k + LATE + 1)`` of the way to its weights, which forgets the start.

    Parameters
    ----------
    judge : callable or None
        Loss of given weights on rows kept aside; the mean of its lowest value is then answered.

    References
    ----------
    Shamir and Zhang (2013), Stochastic gradient descent for non-smooth optimization.
    """

    def __init__(self, judge: Callable[[Array], float] | None) -> None:
        self.judge = judge
        self.mean: Array | None = None
        self.best: Array | None = None
        self.lowest = math.inf

    def init(self) -> None:
        """There is no memory to begin with."""

    @property
    def validate(self) -> Callable[[Array], float] | None:
        """What the walk validates with: the mean's loss, whatever the weights are."""
        judge = self.judge
        if judge is None:
            return None
        return lambda w: judge(w if self.mean is None else self.mean)

    def ask(self, sight: Sight, memory: None) -> tuple[None, None]:
        """Never ends a run."""
        if self.mean is None:
            self.mean = sight.w.copy()
        if sight.validation < self.lowest:  # measured before this step's weights count
            self.best, self.lowest = self.mean.copy(), sight.validation
        way = sight.w - self.mean
        way *= (LATE + 1) / (sight.step + LATE + 1)
        self.mean += way
        return None, None

    def stand_in(self, result: Result) -> Result:
        """The result with the mean for its weights, unless the walk has left."""
        if self.mean is None or result.reason.name == "diverged":
            return result
        # A run that was broken off has not measured what it learned since its last epoch.
        broken_off = result.reason.name == "interrupted"
        if broken_off and self.judge is not None and self.judge(self.mean) < self.lowest:
            return replace(result, w=self.mean)
        return replace(result, w=self.mean if self.best is None else self.best)
