"""Rows on a GPU: PyTorch tensors that stay where they are.

Solvers that know tensors (``bowl.device_passes``) take them as they are. Everything else asks for
blocks and gets them in this process's memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.sources.memory import BLOCK_ROWS, Rows, sum_parts

Array = Any


def is_tensor(X: Any) -> bool:
    """Whether rows are a PyTorch tensor."""
    return type(X).__module__.partition(".")[0] == "torch"


@dataclass(frozen=True)
class DeviceRows:
    """Dense rows as tensors on one device.

    Parameters
    ----------
    X : tensor of shape (n_rows, n_features), float32 or float64
    y : tensor of shape (n_rows,), or (n_rows, n_outputs)
    weights : tensor of shape (n_rows,) or None
        How much each row counts; objectives expect a mean of 1.
    """

    X: Array
    y: Array
    weights: Array | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Number of columns."""
        return int(self.X.shape[1])

    def total(self, fn: Callable[[Rows], Any]) -> Any:
        """Sum of ``fn(block)`` over all rows, block by block in order."""
        starts = range(0, self.n_rows, BLOCK_ROWS)
        return sum_parts(fn(self.take(slice(i, i + BLOCK_ROWS))._replace(first=i)) for i in starts)

    def map(self, fn: Callable[[Rows], Rows]) -> "DeviceRows":
        """The same rows through ``fn``, on the device."""
        return DeviceRows(*fn(Rows(self.X, self.y, self.weights))[:3])

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Rows]:
        """One epoch of shuffled batches."""
        order = np.random.default_rng((seed, epoch)).permutation(self.n_rows)
        size = self.n_rows if size is None else size
        for i in range(0, self.n_rows, size):
            yield self.take(order[i : i + size])

    def sample(self, k: int, seed: int) -> Rows:
        """``k`` rows drawn without replacement (all of them if there are fewer)."""
        if k >= self.n_rows:
            return self.take(slice(None))
        chosen = np.random.default_rng(seed).choice(self.n_rows, size=k, replace=False)
        return self.take(np.sort(chosen))

    def take(self, rows: Any) -> Rows:
        """The rows chosen by a slice or an index array, in this process's memory."""
        X, y = (part[rows].cpu().numpy() for part in (self.X, self.y))
        weights = None if self.weights is None else self.weights[rows].cpu().numpy()
        return Rows(X, y, weights)
