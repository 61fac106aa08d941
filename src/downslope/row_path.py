"""The walk on single rows and small batches, as machine code.

The same steps as ``descend.run`` in the same order, equal to rounding, hundreds of times faster:
what Python does per step costs more than a row of arithmetic. In return it records once per epoch:

============== ==========================================================================
column         meaning here
============== ==========================================================================
step, epoch    updates and passes finished; row 0 is the start
value          mean loss over the steps of the epoch plus the penalty at its end
gradient_norm  length of the mean direction of the epoch: way made over the sum of the rates
rate           learning rate of the epoch's last step
validation     mean loss on the validation rows
============== ==========================================================================

Row 0, the start, is measured on up to 4,096 rows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import sparse

from downslope.descend import FEW_WEIGHTS, Result, State, begin, check_pair
from downslope.kernels.making import stopwatch
from downslope.kernels.views import unsigned
from downslope.objective import Objective
from downslope.penalties import NO_PENALTY
from downslope.rates import Look, Probe, Rate
from downslope.rules import Momentum, Nesterov, Plain, Rule, Velocity
from downslope.sources.memory import MemoryRows
from downslope.stopping import Divergence, Reason, Sight, Stop, interrupted
from downslope.trace import Record, Recorder

Array = Any
SAMPLE = 4096
NEVER = 2**62
COUNTED = ("invscaling", "optimal", "step", "exponential", "annealed")
"""Rates that are one formula of the step's number, so an epoch of them is one array operation."""
STEADY = ("constant", "adaptive")
"""Rates that stay the same within an epoch."""


def can_run(problem: Any, rule: Rule, rate: Rate, batch_size: int | None) -> bool:
    """Whether there is machine code for this walk."""
    if not isinstance(problem, Objective) or not isinstance(problem.source, MemoryRows):
        return False
    X = problem.source.X
    return (
        (isinstance(X, np.ndarray) or sparse.issparse(X))
        and X.dtype in (np.float32, np.float64)
        and isinstance(rule, (Plain, Momentum, Nesterov))
        and rate.needs == "anything"
        and batch_size is not None
    )


@dataclass
class Motion:
    """What moves: weights, velocity and mean, one row per output, the intercept last."""

    W: Array
    V: Array
    mean: Array
    average_from: int
    k: int


@dataclass(frozen=True)
class Machine:
    """A problem as the machine code takes it: arrays and numbers."""

    X: Any
    Y: Array
    weights: Array
    problem: Objective

    def epoch(
        self, motion: Motion, rule: Rule, order: Array, lengths: Array, batch_size: int
    ) -> float:
        """Move through the rows in ``order``; answers the sum of the losses met."""
        averages = motion.average_from < motion.k + len(lengths)
        shrinks = self.problem.has_rest and not isinstance(self.X, tuple)
        alone = batch_size == 1 and isinstance(rule, Plain) and not averages and not shrinks
        if alone and self.separate:
            return self._single(motion, order, lengths)
        from downslope.kernels.batches import batch_rows

        code, beta, dampening = rule_numbers(rule)
        total: float = batch_rows(
            self.X,
            self.Y,
            self.weights,
            order,
            *self.source.ahead(order),
            batch_size,
            lengths,
            motion.W,
            motion.V,
            motion.mean,
            motion.average_from,
            self.problem.fit_intercept,
            *self.loss,
            self.problem.penalty.l1,
            self.problem.penalty.l2,
            code,
            beta,
            dampening,
            motion.k,
        )
        return total

    def _single(self, motion: Motion, order: Array, lengths: Array) -> float:
        """Single rows and plain steps: every output by itself."""
        from downslope.kernels.rows import dense_rows, sparse_rows

        total, penalty = 0.0, self.problem.penalty
        rest = (self.problem.fit_intercept, *self.loss)
        asked, soon = self.source.ahead(order)
        for c, w in enumerate(motion.W):
            y = np.ascontiguousarray(self.Y[:, c])
            if isinstance(self.X, tuple):
                head = (*self.X, y, self.weights, order)
                total += sparse_rows(*head, lengths, w, *rest, penalty.l1, penalty.l2)
            else:
                head = (self.X, y, self.weights, order)
                total += dense_rows(*head, asked, soon, lengths, w, *rest, penalty.l2)
        return total

    @property
    def source(self) -> MemoryRows:
        """The rows."""
        assert isinstance(self.problem.source, MemoryRows)  # see can_run
        return self.problem.source

    @property
    def loss(self) -> tuple[int, float]:
        """The loss as two numbers."""
        return self.problem.loss.code, float(self.problem.loss.parameter)

    @property
    def separate(self) -> bool:
        """Whether the outputs of a row do not mix."""
        return self.problem.loss.link != "softmax"


def machine(problem: Objective) -> Machine:
    """Arrays of a problem for which ``can_run`` is true."""
    rows = problem.source
    assert isinstance(rows, MemoryRows)  # see can_run
    given = rows.X
    X = unsigned(sparse.csr_array(given)) if sparse.issparse(given) else np.ascontiguousarray(given)
    Y = np.ascontiguousarray(np.asarray(rows.y, dtype=np.float64).reshape(len(rows.y), -1))
    weights = np.empty(0) if rows.weights is None else np.asarray(rows.weights, dtype=np.float64)
    return Machine(X, Y, np.ascontiguousarray(weights), problem)


def rule_numbers(rule: Rule) -> tuple[int, float, float]:
    """A rule as three numbers: code, beta, dampening."""
    from downslope.kernels.batches import MOMENTUM, NESTEROV, PLAIN

    match rule:
        case Momentum(beta=beta, dampening=dampening):
            return MOMENTUM, beta, dampening
        case Nesterov(beta=beta):
            return NESTEROV, beta, 0.0
    return PLAIN, 0.0, 0.0


def epoch_lengths(rate: Rate, state: State, n_steps: int) -> tuple[Array, Any]:
    """Lengths of the next ``n_steps`` steps, and the rate's memory after them."""

    def no_probe(length: float) -> Probe:
        raise AssertionError("no rate that probes comes here: see can_run")

    def ask(k: Any, epoch_value: float | None, memory: Any) -> tuple[Any, Any]:
        look = Look(k, state.epoch, state.w, math.nan, state.w, state.w, epoch_value, no_probe)
        return rate.length(look, memory)

    if rate.name in COUNTED:
        lengths, memory = ask(state.k + np.arange(n_steps), state.epoch_value, state.rate_memory)
        return np.asarray(lengths, dtype=np.float64), memory
    length, memory = ask(state.k, state.epoch_value, state.rate_memory)
    if rate.name in STEADY:
        return np.full(n_steps, length), memory
    lengths = [length]
    for k in range(state.k + 1, state.k + n_steps):
        length, memory = ask(k, None, memory)
        lengths.append(length)
    return np.array(lengths), memory


def to_rows(w: Array, problem: Objective) -> Array:
    """Flat weights as one row per output, intercept last (0 where there is none)."""
    W = w.reshape(-1, problem.n_outputs).T
    if not problem.fit_intercept:
        W = np.hstack((W, np.zeros((problem.n_outputs, 1))))
    return np.array(W, dtype=np.float64, order="C")


def to_flat(W: Array, problem: Objective) -> Array:
    """The reverse of ``to_rows``."""
    return (W if problem.fit_intercept else W[:, :-1]).T.ravel()


def run_rows(
    problem: Objective,
    w0: Array,
    rule: Rule,
    rate: Rate,
    stops: Sequence[Stop],
    *,
    batch_size: int,
    seed: int = 0,
    validate: Callable[[Array], float] | None = None,
    average_from: int | None = None,
    keep_weights: bool | None = None,
    names: tuple[str, ...] = (),
    state: State | None = None,
    watch: Callable[[Record], None] | None = None,
) -> Result:
    """Walk epoch by epoch until a stop says so; as ``descend.run``, recording once per epoch.

    Stops are asked after each epoch, so a cap on steps is met at the end of one.
    """
    check_pair(rule, rate, problem, batch_size)
    state = begin(w0, rule, rate) if state is None else state
    first = NEVER if average_from is None else max(average_from, state.k)
    epochs = _Epochs(machine(problem), rule, rate, batch_size, seed, first, validate, state)
    kept = len(state.w) <= FEW_WEIGHTS if keep_weights is None else keep_weights
    recorder = Recorder(names, kept)
    stops = [*stops, *([] if any(isinstance(s, Divergence) for s in stops) else [Divergence()])]
    memories, reason = [stop.init() for stop in stops], None
    try:
        record = epochs.start()
        while reason is None:
            recorder.add(record, epochs.state.w)
            if watch is not None:
                watch(record)
            sight = epochs.sight(record)
            answers = [stop.ask(sight, m) for stop, m in zip(stops, memories, strict=True)]
            memories = [memory for _, memory in answers]
            reason = next((answer for answer, _ in answers if answer is not None), None)
            if reason is None:
                record = epochs.advance()
    except KeyboardInterrupt:
        if not recorder.records:
            raise  # there is nothing to keep yet
        reason = interrupted()
    assert reason is not None  # epochs never end by themselves
    return epochs.result(reason, recorder)


@dataclass
class _Epochs:
    """A run in progress: the one mutable thing in it."""

    machine: Machine
    rule: Rule
    rate: Rate
    batch_size: int
    seed: int
    average_from: int
    validate: Callable[[Array], float] | None
    state: State
    best: Array | None = None
    best_validation: float = math.inf
    began: float = field(default_factory=stopwatch)

    def __post_init__(self) -> None:
        problem, memory = self.machine.problem, self.state.rule_memory
        W = to_rows(self.state.w, problem)
        V = to_rows(memory.velocity, problem) if isinstance(memory, Velocity) else np.zeros_like(W)
        self.motion = Motion(W, V, np.zeros_like(W), self.average_from, self.state.k)

    def start(self) -> Record:
        """The record of where the run begins, measured on a sample."""
        problem = self.machine.problem
        sample = self.machine.source.sample(SAMPLE, self.seed)
        bare = replace(problem, penalty=NO_PENALTY)
        loss, gradient = bare.value_and_gradient(self.state.w, sample)
        length = epoch_lengths(self.rate, self.state, 1)[0][0]
        return self._record(loss, math.sqrt(float(gradient @ gradient)), length)

    def advance(self) -> Record:
        """One epoch further, and its record. Steps that blow up leave the weights before them."""
        n, state, motion = self.machine.source.n_rows, self.state, self.motion
        lengths, memory = epoch_lengths(self.rate, state, math.ceil(n / self.batch_size))
        before = motion.W.copy()
        loss = self.machine.epoch(motion, self.rule, self._order(), lengths, self.batch_size) / n
        motion.k += len(lengths)
        if not (math.isfinite(loss) and np.isfinite(motion.W).all()):
            loss, motion.W = math.inf, before
        steps = float(lengths.sum())  # 0 where the largest safe rate is below the smallest number
        way = math.sqrt(float(((motion.W - before) ** 2).sum())) / steps if steps > 0.0 else 0.0
        problem = self.machine.problem
        w = to_flat(motion.W, problem)
        velocity = state.rule_memory
        if isinstance(velocity, Velocity):
            velocity = Velocity(to_flat(motion.V, problem))
        value = loss + problem.penalty_value(w)
        self.state = State(
            motion.k, state.epoch + 1, 0, w, velocity, memory, 0.0, 0, epoch_value=value
        )
        return self._record(loss, way, lengths[-1])

    def _order(self) -> Array:
        return self.machine.source.visits(self.seed, self.state.epoch)

    def _record(self, loss: float, gradient_norm: float, length: float) -> Record:
        state = self.state
        value = loss + self.machine.problem.penalty_value(state.w)
        validation = math.nan if self.validate is None else self.validate(state.w)
        if validation < self.best_validation:
            self.best, self.best_validation = state.w, validation
        seconds = stopwatch() - self.began
        return Record(state.k, state.epoch, value, loss, gradient_norm, length, seconds, validation)

    def sight(self, record: Record) -> Sight:
        """What the stops may look at after an epoch."""
        state = self.state
        return Sight(
            record.step,
            record.epoch,
            record.value,
            state.epoch_value,
            record.gradient_norm,
            record.rate,
            record.seconds,
            record.validation,
            state.w,
        )

    def result(self, reason: Reason, recorder: Recorder) -> Result:
        """What the run leaves behind."""
        state, motion = self.state, self.motion
        average = None
        averaged = motion.k - self.average_from
        if averaged >= 0:
            mean = motion.mean + (motion.W - motion.mean) / (averaged + 1)
            average = to_flat(mean, self.machine.problem)
        w = state.w if self.best is None or reason.name == "diverged" else self.best
        return Result(w, recorder.trace(), reason, average, state)
