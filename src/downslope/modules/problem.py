"""A PyTorch module as the walk sees it: one flat vector, a value and a gradient by autograd."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor

from downslope.errors import InputError
from downslope.losses import make_loss
from downslope.modules.data import (
    Batch,
    Batches,
    count_rows,
    noise_seed,
    on_device,
    seed_noise,
)


class FlatWeights:
    """A module's trainable parameters as one vector, in the order of ``module.parameters()``.

    Raises
    ------
    InputError
        If there is no such parameter, or they differ in precision or device.

    Examples
    --------
    >>> line = torch.nn.Linear(2, 1)
    >>> weights = FlatWeights(line)
    >>> weights.bind(torch.tensor([1.0, 2.0, 3.0]))
    >>> line(torch.tensor([[10.0, 100.0]])).item()
    213.0
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self.parameters = tuple(p for p in module.parameters() if p.requires_grad)
        kinds = {(p.dtype, p.device) for p in self.parameters}
        if len(kinds) != 1:
            found = ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds)) or "none"
            raise InputError(
                f"The trainable parameters of {type(module).__name__} are of {len(kinds)} kinds "
                f"({found}), but a flat vector has one; use module.to(...) or requires_grad_()."
            )
        ((self.dtype, self.device),) = kinds
        ends = accumulate((p.numel() for p in self.parameters), initial=0)
        whole = [torch.empty(p.shape, device="meta") for p in self.parameters]
        self._places = [(p.shape, p.stride(), at) for p, at in zip(whole, ends, strict=False)]
        self._homes = [p.data for p in self.parameters]

    def read(self) -> Tensor:
        """A copy of the parameters as one vector."""
        return flatten(p.detach() for p in self.parameters)

    def split(self, w: Tensor) -> list[Tensor]:
        """A flat vector as one view per parameter, in its shape."""
        first = w.storage_offset()
        return [w.as_strided(shape, stride, first + at) for shape, stride, at in self._places]

    def bind(self, w: Tensor) -> None:
        """Let the parameters look at ``w``; nothing is copied."""
        for p, part in zip(self.parameters, self.split(w), strict=True):
            p.data = part

    def settle(self, w: Tensor) -> None:
        """Copy ``w`` into the memory that the parameters had at first, and look there again."""
        for p, home, part in zip(self.parameters, self._homes, self.split(w), strict=True):
            p.data = home.copy_(part)


def flatten(parts: Iterable[Tensor]) -> Tensor:
    """Tensors of any shapes as one vector."""
    return torch.cat([part.reshape(-1) for part in parts])


class Led(NamedTuple):
    """A direction of which only one step is known: by where it ends."""

    end: Tensor


BatchLoss = Callable[[torch.nn.Module, Any], Tensor]
"""Mean loss of a module on a batch, a scalar tensor."""


@dataclass(frozen=True)
class OnBatch:
    """A loss that is given the module and the whole batch, for batches that are no (input, target).

    Examples
    --------
    >>> on_text = OnBatch(lambda module, batch: module(**batch).loss)
    """

    function: BatchLoss


def make_batch_loss(loss: Any) -> BatchLoss:
    """A loss of (output, target), one of ours by name, or an ``OnBatch``, on whole batches."""
    if isinstance(loss, OnBatch):
        return loss.function
    pair = _mean_of(loss) if isinstance(loss, str) else loss

    def on_batch(module: torch.nn.Module, batch: Any) -> Tensor:
        inputs, target = batch
        output = module(inputs)
        # One output per row and one target per row: (n, 1) beside (n,) would pair all with all.
        if target.ndim == 1 and output.shape == (len(target), 1):
            output = output[:, 0]
        value: Tensor = pair(output, target)
        return value

    return on_batch


def _mean_of(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    loss = make_loss(name)
    return lambda output, target: loss.value(output, target).mean()


class Whole(NamedTuple):
    """All rows as one batch, which is read in blocks; noise is drawn for this seed and epoch."""

    seed: int
    epoch: int


ALL = Whole(0, 0)


@dataclass(frozen=True)
class ModuleProblem:
    """A module, its loss and its data as the walk sees them.

    Parameters
    ----------
    module : torch.nn.Module
    loss : callable
        ``loss(module, batch)``: the mean over the batch's rows, a scalar tensor.
    data : Batches
    weights : FlatWeights
        The module's parameters as one vector.

    Notes
    -----
    Random numbers drawn inside the module (dropout) come from the batch's seed, so a value asked
    for twice is the same twice, and a run repeats exactly.
    """

    module: torch.nn.Module
    loss: BatchLoss
    data: Batches
    weights: FlatWeights
    has_rest: ClassVar[bool] = False

    def value_and_gradient(
        self, w: Tensor, rows: Batch | Whole | None = None
    ) -> tuple[float, Tensor]:
        """Mean loss and its gradient, over one batch or over all rows."""
        if isinstance(rows, Batch):
            value, gradient = self._differentiate(w, rows)
            return value.item(), gradient
        total, slope, n = 0.0, torch.zeros_like(w), 0
        for batch in self._blocks(rows or ALL):
            value, gradient = self._differentiate(w, batch)
            total, slope = total + batch.n_rows * value.item(), slope + batch.n_rows * gradient
            n += batch.n_rows
        return total / n, slope / n

    def value(self, w: Tensor, rows: Batch | Whole) -> float:
        """Mean loss of the module as it stands, over one batch or over all rows; no gradient."""
        batches = [rows] if isinstance(rows, Batch) else self._blocks(rows)
        with torch.no_grad():
            parts = [(batch.n_rows, self._value(w, batch)) for batch in batches]
        return float(sum(n * value.item() for n, value in parts) / sum(n for n, _ in parts))

    def curvature_product(self, w: Tensor, v: Tensor, rows: Batch | Whole | None = None) -> Tensor:
        """Hessian at ``w`` times ``v``, by differentiating the gradient once more."""
        if isinstance(rows, Batch):
            return self._turn(w, v, rows)
        total, n = torch.zeros_like(w), 0
        for batch in self._blocks(rows or ALL):
            total, n = total + batch.n_rows * self._turn(w, v, batch), n + batch.n_rows
        return total / n

    def mean_loss(self, w: Tensor) -> float:
        """Mean loss over all rows as the module is used: in evaluation mode."""
        mode = self.module.training
        self.module.eval()
        try:
            return self.value(w, ALL)
        finally:
            self.module.train(mode)

    def rest(self, w: Tensor) -> float:
        """There is no part without a gradient."""
        return 0.0

    def moved(self, w: Tensor, direction: Tensor | Led, length: float) -> Tensor:
        """Where a step ends, in one reading of both vectors."""
        if isinstance(direction, Led):
            return direction.end
        return torch.sub(w, direction, alpha=length)

    def penalty_value(self, w: Tensor) -> float:
        """A module's penalties are inside its loss."""
        return 0.0

    def batches(self, size: int | None, seed: int, epoch: int) -> Iterator[Batch | Whole]:
        """One epoch of batches."""
        if size is None:
            return iter((Whole(seed, epoch),))
        return self._keyed(self.data.epoch(size, seed, epoch), seed, epoch)

    def count(self, rows: Batch | Whole) -> int:
        """Rows in a batch; all rows at once count as one, since they are never weighed."""
        return rows.n_rows if isinstance(rows, Batch) else 1

    def _blocks(self, whole: Whole) -> Iterator[Batch]:
        return self._keyed(self.data.blocks(), whole.seed, whole.epoch)

    def _keyed(self, contents: Iterator[Any], seed: int, epoch: int) -> Iterator[Batch]:
        for number, content in enumerate(contents):
            content = on_device(content, self.weights.device)
            yield Batch(content, count_rows(content), noise_seed(seed, epoch, number + 1))

    def _value(self, w: Tensor, batch: Batch) -> Tensor:
        self.weights.bind(w)
        seed_noise(batch.seed, self.weights.device)
        return self.loss(self.module, batch.content)

    def _differentiate(self, w: Tensor, batch: Batch) -> tuple[Tensor, Tensor]:
        value = self._value(w, batch)
        parts = torch.autograd.grad(value, self.weights.parameters, materialize_grads=True)
        return value, flatten(parts)

    def _turn(self, w: Tensor, v: Tensor, batch: Batch) -> Tensor:
        value, parameters = self._value(w, batch), self.weights.parameters
        slopes = torch.autograd.grad(value, parameters, create_graph=True, materialize_grads=True)
        along = (flatten(slopes) * v).sum()
        return flatten(torch.autograd.grad(along, parameters, materialize_grads=True))


@contextmanager
def own_noise(device: torch.device) -> Iterator[None]:
    """Give the process its random numbers back afterwards."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield


@contextmanager
def settled(module: torch.nn.Module, weights: FlatWeights, training: bool) -> Iterator[None]:
    """Training or evaluation inside; the module's own memory and mode afterwards, come what may."""
    mode = module.training
    module.train(training)
    try:
        yield
    finally:
        weights.settle(flatten(p.data for p in weights.parameters))
        module.train(mode)


@contextmanager
def untouched(module: torch.nn.Module, weights: FlatWeights) -> Iterator[None]:
    """Look at a module in evaluation mode; weights and random numbers are as before afterwards."""
    before = weights.read()
    with own_noise(weights.device), settled(module, weights, training=False):
        try:
            yield
        finally:
            weights.bind(before)
