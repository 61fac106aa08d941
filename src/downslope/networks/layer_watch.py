"""Readers of a network's walk that stand among its stops, since stops see every step."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.networks.network import Network, layer_norms
from downslope.stopping import Reason, Sight
from downslope.trace import Trace

Array = Any
TINY = np.finfo(float).tiny


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
