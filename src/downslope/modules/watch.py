"""Watch a PyTorch loop of your own: its trace and its diagnosis, without changing a line inside it.

    with watch(module, loss) as run:
        for inputs, target in loader:
            optimizer.zero_grad()
            loss(module(inputs), target).backward()
            optimizer.step()
    print(run.diagnose())

Every optimizer step is one row: the loss, the length of the gradient, the learning rate. Numbers
stay on their device and are fetched a few hundred at a time, so the loop is not held up.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from downslope.descend import Result
from downslope.diagnosis.diagnose import Diagnosis, diagnose
from downslope.modules.data import TensorBatches
from downslope.modules.problem import FlatWeights, ModuleProblem, make_batch_loss, untouched
from downslope.rules import (
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Plain,
    RMSProp,
    Rule,
)
from downslope.stopping import Reason
from downslope.trace import Record, Recorder, Trace

FETCH = 256
"""Rows that are kept on the device before they are fetched together."""
EPOCHS = 20
"""Parts that a run without marked epochs is cut into."""
MOST_WEIGHTS = 100_000
"""Curvature is measured of at most so many weights: it needs a hundred vectors of that length."""
WATCHED = Reason("watched", "The loop ended by itself; it was only watched.", False)


class Row(NamedTuple):
    """One step as it is seen; the numbers may still be on their device."""

    epoch: int
    value: Tensor
    gradient_norm: Tensor
    rate: float
    seconds: float
    validation: Tensor


class Watched:
    """What was seen of a loop; see ``watch``.

    Attributes
    ----------
    trace : Trace
        One row per optimizer step so far.
    """

    def __init__(self, module: torch.nn.Module, loss: Any) -> None:
        self.module = module
        self.loss = loss
        self._parameters = [p for p in module.parameters() if p.requires_grad]
        self._ids = {id(p) for p in self._parameters}
        self._optimizer: torch.optim.Optimizer | None = None
        self._batch: tuple[Any, Any] = (None, None)
        self._values: list[Tensor] = []
        self._held: list[Tensor] = []
        self._waiting: list[Row] = []
        self._rows: list[tuple[float, ...]] = []
        self._epochs = 0
        self._began = time.perf_counter()

    def end_epoch(self) -> None:
        """Say that an epoch ended here; without it a twentieth of the steps stands for one."""
        self._epochs += 1

    @property
    def trace(self) -> Trace:
        """One row per optimizer step so far."""
        self._fetch()
        recorder, part = Recorder(keep_weights=False), max(1, len(self._rows) // EPOCHS)
        for step, (epoch, value, norm, rate, seconds, held) in enumerate(self._rows):
            passed = int(epoch) if self._epochs else step // part
            recorder.add(Record(step, passed, value, value, norm, rate, seconds, held), None)
        return recorder.trace()

    def diagnose(self) -> Diagnosis:
        """Findings about the run so far.

        Where the loss is a module and the weights are at most 100,000, curvature and gradient noise
        are measured on the last batch, in evaluation mode. Weights and random numbers are left as
        they are.
        """
        weights, inputs, target = FlatWeights(self.module), *self._batch
        result = Result(weights.read(), self.trace, WATCHED)
        rule = rule_of(self._optimizer)
        known = isinstance(inputs, Tensor) and isinstance(target, Tensor)
        if not known or len(result.w) > MOST_WEIGHTS:
            return diagnose(result, rule=rule)
        rows = TensorBatches((inputs, target))
        problem = ModuleProblem(self.module, make_batch_loss(self.loss), rows, weights)
        seen = (self._batch, self._values, self._held)
        try:
            with untouched(self.module, weights):
                return diagnose(result, problem, rule=rule)
        finally:
            self._batch, self._values, self._held = seen

    def see_inputs(self, module: Any, args: tuple[Any, ...], output: Any) -> None:
        """Forward hook of the module."""
        if torch.is_grad_enabled() and args:
            self._batch = (args[0], None)

    def see_loss(self, module: Any, args: tuple[Any, ...], output: Tensor) -> None:
        """Forward hook of the loss: training where gradients are on, validation where not."""
        if not torch.is_grad_enabled():
            self._held = [*self._held, output.detach()]
            return
        self._values = [*self._values, output.detach()]
        self._batch = (self._batch[0], args[1] if len(args) > 1 else None)

    def see_backward(self, value: Tensor) -> None:
        """Called with every scalar that the loop differentiates."""
        self._values = [*self._values, value.detach()]

    def see_step(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        """Hook of every optimizer after its step; the gradients are still there."""
        if id(optimizer.param_groups[0]["params"][0]) not in self._ids:
            return
        gradients = [p.grad.detach() for p in self._parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        nothing = norm.new_tensor(math.nan)
        # Several losses of a module before one step: parts of a batch, whose mean is the value.
        # Several calls of backward: gradients add up, and so do the values.
        joined = torch.mean if isinstance(self.loss, torch.nn.Module) else torch.sum
        row = Row(
            self._epochs,
            joined(torch.stack(self._values)) if self._values else nothing,
            norm,
            float(optimizer.param_groups[0]["lr"]),
            time.perf_counter() - self._began,
            torch.mean(torch.stack(self._held)) if self._held else nothing,
        )
        self._waiting.append(row)
        self._optimizer, self._values, self._held = optimizer, [], []
        if len(self._waiting) >= FETCH:
            self._fetch()

    def _fetch(self) -> None:
        """Bring the waiting numbers over, one transfer per column."""
        if not self._waiting:
            return
        epochs, values, norms, rates, seconds, held = zip(*self._waiting, strict=True)
        here = [torch.stack(part).tolist() for part in (values, norms, held)]
        self._rows += zip(epochs, here[0], here[1], rates, seconds, here[2], strict=True)
        self._waiting = []


@contextmanager
def watch(module: torch.nn.Module, loss: Any = None) -> Iterator[Watched]:
    """Record every optimizer step of the loop inside, at well under a twentieth of its time.

    Parameters
    ----------
    module : torch.nn.Module
        What is trained.
    loss : torch.nn.Module, optional
        The loss module that the loop calls, ``torch.nn.CrossEntropyLoss()`` for example. It tells
        training from validation (calls without gradients) and lets the diagnosis measure curvature.
        Without one, or with a plain function, the value is what ``backward`` is called on, so a
        loss that is scaled before ``backward`` is recorded scaled.

    Yields
    ------
    Watched
        Its ``trace`` and ``diagnose()`` can be asked at any time, inside and after.

    Examples
    --------
    >>> line, loss = torch.nn.Linear(1, 1), torch.nn.MSELoss()
    >>> X, y = torch.tensor([[100.0], [200.0]]), torch.tensor([[8.0], [16.0]])
    >>> optimizer = torch.optim.SGD(line.parameters(), lr=1e-3)
    >>> with watch(line, loss) as run:
    ...     for _ in range(30):
    ...         optimizer.zero_grad()
    ...         loss(line(X), y).backward()
    ...         optimizer.step()
    ...         run.end_epoch()
    >>> run.diagnose().verdict
    'divergence'
    """
    run = Watched(module, loss)
    with ExitStack() as hooks:
        hooks.callback(register_optimizer_step_post_hook(run.see_step).remove)
        hooks.callback(module.register_forward_hook(run.see_inputs).remove)
        if isinstance(loss, torch.nn.Module):
            hooks.callback(loss.register_forward_hook(run.see_loss).remove)
        else:
            hooks.enter_context(_backward_told_to(run.see_backward))
        yield run


@contextmanager
def _backward_told_to(see: Callable[[Tensor], None]) -> Iterator[None]:
    """Tell ``see`` of every ``backward`` call; PyTorch has no hook for that."""
    original = torch.Tensor.backward

    def backward(self: Tensor, *args: Any, **kwargs: Any) -> None:
        if self.numel() == 1:
            see(self.reshape(()))
        original(self, *args, **kwargs)

    torch.Tensor.backward = backward
    try:
        yield
    finally:
        torch.Tensor.backward = original


def rule_of(optimizer: torch.optim.Optimizer | None) -> Rule:
    """Our rule with the settings of a ``torch.optim`` optimizer's first group; plain if unknown."""
    group: dict[str, Any] = {} if optimizer is None else optimizer.param_groups[0]
    beta1, beta2 = group.get("betas", (0.9, 0.999))
    match type(optimizer).__name__:
        case "SGD" if group["momentum"] and group["nesterov"]:
            return Nesterov(group["momentum"])
        case "SGD" if group["momentum"]:
            return Momentum(group["momentum"], group["dampening"])
        case "Adagrad":
            return AdaGrad(group["eps"])
        case "Adadelta":
            return AdaDelta(group["rho"], group["eps"])
        case "RMSprop":
            return RMSProp(group["alpha"], group["eps"], group["centered"], group["momentum"])
        case "Adam" if group["amsgrad"]:
            return AMSGrad(beta1, beta2, group["eps"])
        case "Adam":
            return Adam(beta1, beta2, group["eps"])
        case "AdamW":
            return AdamW(beta1, beta2, group["eps"], group["weight_decay"])
        case "NAdam":
            return NAdam(beta1, beta2, group["eps"], group["momentum_decay"])
    return Plain()
