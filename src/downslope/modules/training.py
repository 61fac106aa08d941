"""Any PyTorch module on the same walk: parameters as one flat vector, gradients by autograd.

    result = train(module, torch.nn.CrossEntropyLoss(), (X, y), rule="adam", rate=1e-3,
                   batch_size=128, max_epochs=10)

The walk cannot tell a module from a line: it asks for a value and a gradient. Rules and rates are
ours, or a ``torch.optim`` optimizer makes the steps. Everything runs where the module lives, CPU or
GPU.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from torch import Tensor

from downslope.descend import Keeper, Result, Snapshot, State, run
from downslope.errors import PairError, SettingError
from downslope.memory_reuse import keep_freed_memory
from downslope.modules.data import make_batches
from downslope.modules.problem import (
    FlatWeights,
    Led,
    ModuleProblem,
    make_batch_loss,
    own_noise,
    settled,
)
from downslope.rates import Constant, Look, Rate
from downslope.rules import Rule, make_rule
from downslope.stopping import MaxEpochs, Stop, Validation
from downslope.trace import Record
from downslope.trials import peak_rate, planned

JUDGED_ROWS = 1024
"""Rows that trial runs are judged on."""


class Nothing(NamedTuple):
    """Memory of a rule that keeps its own."""


@dataclass(frozen=True)
class OptimRule:
    """Steps of a ``torch.optim`` optimizer, made on a copy of the weights.

    The optimizer keeps its memory itself, so a run with it cannot be taken up from a state.
    """

    optimizer: Any
    weights: FlatWeights
    name: ClassVar[str] = "torch.optim"
    scales_coordinates: ClassVar[bool] = True
    always_descends: ClassVar[bool] = False
    stable_product: ClassVar[float | None] = None

    def init(self, w: Tensor) -> Nothing:
        return Nothing()

    def direction(
        self, gradient: Tensor, w: Tensor, memory: Nothing, k: int
    ) -> tuple[Led, Nothing]:
        end = w.clone()
        self.weights.bind(end)
        for p, part in zip(self.weights.parameters, self.weights.split(gradient), strict=True):
            p.grad = part
        self.optimizer.step()
        for p in self.weights.parameters:
            p.grad = None
        self.weights.bind(w)
        return Led(end), memory


@dataclass(frozen=True)
class OptimRate:
    """The learning rate that a ``torch.optim`` optimizer holds, whoever changes it."""

    optimizer: Any
    name: ClassVar[str] = "torch.optim"
    needs: ClassVar[str] = "anything"

    def init(self, w: Tensor) -> Nothing:
        return Nothing()

    def length(self, look: Look, memory: Nothing) -> tuple[float, Nothing]:
        return learning_rate(self.optimizer), memory


def learning_rate(optimizer: Any) -> float:
    """Learning rate of an optimizer's first group of parameters."""
    return float(optimizer.param_groups[0]["lr"])


def choose_rule(rule: str | Rule | torch.optim.Optimizer, weights: FlatWeights) -> Rule:
    """The rule itself, by its name, or the steps of an optimizer.

    Raises
    ------
    PairError
        If an optimizer has to ask for values itself.
    """
    if isinstance(rule, torch.optim.LBFGS):
        raise PairError(
            "torch.optim.LBFGS asks for values in the middle of its step, which the walk does not "
            "give; use rule='lbfgs' with a Wolfe rate here."
        )
    if isinstance(rule, torch.optim.Optimizer):
        return OptimRule(rule, weights)
    return make_rule(rule) if isinstance(rule, str) else rule


def choose_rate(
    rate: float | str | Rate,
    rule: Rule,
    problem: ModuleProblem,
    size: int | None,
    epochs: int,
    seed: int,
) -> Rate:
    """A number, a rate, the one that an optimizer holds, or one found by trying.

    Raises
    ------
    PairError
        If an optimizer comes with a rate of ours.
    SettingError
        If the name is unknown.
    """
    if isinstance(rule, OptimRule):
        if rate != "auto":
            raise PairError(
                f"torch.optim.{type(rule.optimizer).__name__} holds its own learning rate, so "
                f"rate={rate!r} cannot hold; set lr in the optimizer, or name a rule of ours."
            )
        return OptimRate(rule.optimizer)
    if isinstance(rate, str):
        if rate != "auto":
            raise SettingError(f"rate={rate!r} is unknown; use 'auto', a number or a Rate.")
        total = epochs * problem.data.n_batches(size)
        return planned(find_peak(problem, rule, size, total, seed)[0], total)
    return Constant(float(rate)) if isinstance(rate, (int, float)) else rate


def find_peak(
    problem: ModuleProblem, rule: Rule, size: int | None, total_steps: int, seed: int
) -> tuple[float, str]:
    """Highest learning rate of a run, by trying several; and where it comes from.

    Judged on the first batches of another order, a thousand rows or so.
    """
    judges = list(
        islice(problem.batches(size, seed + 1, 0), -(-JUDGED_ROWS // (size or JUDGED_ROWS)))
    )
    buffers = [buffer.clone() for buffer in problem.module.buffers()]

    def judge(w: Tensor) -> float:
        return sum(problem.value(w, rows) for rows in judges) / len(judges)

    try:
        return peak_rate(
            problem,
            problem.weights.read(),
            rule,
            judge,
            total_steps=total_steps,
            batch_size=size,
            seed=seed,
        )
    finally:
        for buffer, kept in zip(problem.module.buffers(), buffers, strict=True):
            buffer.copy_(kept)


def train(
    module: torch.nn.Module,
    loss: Any,
    data: Any,
    *,
    rule: str | Rule | torch.optim.Optimizer = "adam",
    rate: float | str | Rate = "auto",
    batch_size: int | None = None,
    max_epochs: int = 10,
    validation: Any = None,
    patience: int | None = None,
    stops: Sequence[Stop] = (),
    seed: int = 0,
    state: State | None = None,
    keeper: Keeper | None = None,
    keep_weights: bool = False,
    watch: Callable[[Record], None] | None = None,
) -> Result:
    """Train a module in place; it ends with the weights of the result.

    Parameters
    ----------
    module : torch.nn.Module
        On the device and in the precision to train in.
    loss : callable, str or OnBatch
        ``loss(output, target)``, a mean over rows, as PyTorch's losses are by default; the name of
        one of ours (``"multinomial"``, ``"huber"``, ...); or an ``OnBatch``.
    data : tuple of arrays or tensors, Dataset or DataLoader
        What the module is trained on, ``(inputs, target)`` for a loss of the first two kinds.
    rule : str, Rule or torch.optim.Optimizer, default "adam"
        Which way. An optimizer over the module's parameters makes the steps itself.
    rate : float, Rate or "auto", default "auto"
        How far. "auto" tries several on a few per cent of the steps, takes the best, warms up to it
        and falls along a cosine to 0 by the last epoch; with an optimizer it is the optimizer's.
    batch_size : int or None, default None
        Rows per step; None for all, or as the DataLoader says.
    max_epochs : int, default 10
        Passes over the data.
    validation : as ``data``, optional
        Measured after each epoch in evaluation mode; the weights (and buffers) of its best value
        are kept.
    patience : int or None
        Stop after so many epochs without a better validation value; None never does.
    stops : sequence of Stop
        More reasons to stop.
    seed : int, default 0
        Order of the rows and noise in the module; the same seed gives the same run.
    state : State or None
        Go on from the ``state`` of an earlier result.
    keeper : Keeper or None
        Keeps snapshots on the way, so that a killed run goes on; see ``checkpoint.Checkpoints``.
    keep_weights : bool, default False
        Keep the weights of every step in the trace.
    watch : callable or None
        Called with each record.

    Returns
    -------
    Result
        ``w`` and ``state`` hold tensors.

    Raises
    ------
    InputError
        If data or module cannot be used as they are.
    PairError
        If two settings cannot be right together.

    Examples
    --------
    >>> line = torch.nn.Linear(1, 1, bias=False)
    >>> X, y = [[100.0], [150.0], [200.0]], [8.0, 12.0, 16.0]
    >>> result = train(line, torch.nn.MSELoss(), (X, y), rule="plain", rate=2e-5, max_epochs=60)
    >>> round(line(torch.tensor([[175.0]])).item(), 1)
    14.0
    """
    keep_freed_memory()
    weights, on_batch = FlatWeights(module), make_batch_loss(loss)
    problem = ModuleProblem(
        module, on_batch, make_batches(data, weights.dtype, weights.device), weights
    )
    chosen_rule = choose_rule(rule, weights)
    if isinstance(chosen_rule, OptimRule) and (state is not None or keeper is not None):
        raise PairError(
            "A torch.optim optimizer keeps its memory to itself, so a run with it cannot be taken "
            "up from a state or checkpoint; use a rule of ours."
        )
    held = None
    if validation is not None:
        rows = make_batches(validation, weights.dtype, weights.device)
        held = _Held(ModuleProblem(module, on_batch, rows, weights))
    size = problem.data.batch_size(batch_size)
    patient = [] if patience is None else [Validation(0.0, patience)]
    with own_noise(weights.device), settled(module, weights, training=True):
        w0 = weights.read()
        chosen_rate = choose_rate(
            rate, chosen_rule, problem, size=size, epochs=max_epochs, seed=seed
        )
        result = run(
            problem,
            w0,
            chosen_rule,
            chosen_rate,
            [*stops, *patient, MaxEpochs(max_epochs)],
            batch_size=size,
            seed=seed,
            validate=held,
            keep_weights=keep_weights,
            state=state,
            watch=watch,
            keeper=None if keeper is None else TensorKeeper(keeper, weights),
        )
        weights.bind(result.w)
        if held is not None:
            held.restore_buffers()
    return result


class _Held:
    """Validation loss of the weights; keeps the buffers (running means) that belong to the best."""

    def __init__(self, problem: ModuleProblem) -> None:
        self.problem = problem
        self.best = math.inf
        self.buffers: list[Tensor] = []

    def __call__(self, w: Tensor) -> float:
        value = self.problem.mean_loss(w)
        if value < self.best:
            self.best = value
            self.buffers = [buffer.clone() for buffer in self.problem.module.buffers()]
        return value

    def restore_buffers(self) -> None:
        for buffer, kept in zip(self.problem.module.buffers(), self.buffers, strict=False):
            buffer.copy_(kept)


@dataclass(frozen=True)
class TensorKeeper:
    """A keeper of NumPy snapshots, for a run whose numbers are tensors."""

    keeper: Keeper
    weights: FlatWeights

    def latest(self, template: Snapshot) -> Snapshot | None:
        found = self.keeper.latest(_map(_to_numpy, template))
        return None if found is None else _map(self._to_tensor, found)

    def due(self) -> bool:
        return self.keeper.due()

    def keep(self, snapshot: Snapshot) -> None:
        self.keeper.keep(_map(_to_numpy, snapshot))

    def _to_tensor(self, leaf: Any) -> Any:
        if not isinstance(leaf, np.ndarray):
            return leaf
        return torch.from_numpy(leaf).to(self.weights.device, self.weights.dtype)


def _to_numpy(leaf: Any) -> Any:
    return leaf.detach().cpu().numpy() if isinstance(leaf, Tensor) else leaf


def _map(change: Callable[[Any], Any], tree: Any) -> Any:
    """A tree of tuples with every leaf changed."""
    if not isinstance(tree, tuple):
        return change(tree)
    branches = [_map(change, branch) for branch in tree]
    return tuple(branches) if type(tree) is tuple else type(tree)(*branches)
