"""What writing every step down costs, in microseconds of processor time.

    python -m benchmarks.recording [--rounds 9]

The plain loop: ``descend.run``, which records each step and asks its stops, against the bare
iterator ``descend.steps`` on the same problem; the difference per step is the cost. The fused
epochs: ``run_rows``, which records once per epoch, against the order of the rows and the kernel
alone, by the epoch and as a share of it; a short run is subtracted from a long one, so that what
is measured once at the start does not count. Sides in turn in every round, medians, one thread.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from itertools import islice

import numpy as np
from threadpoolctl import threadpool_limits

from downslope.descend import begin, run, steps
from downslope.losses import make_loss
from downslope.objective import Objective
from downslope.penalties import make_penalty
from downslope.rates import Constant
from downslope.row_path import Motion, epoch_lengths, machine, run_rows
from downslope.rules import Plain
from downslope.sources.memory import MemoryRows
from downslope.stopping import MaxEpochs, MaxSteps

STEPS = 2_000
EPOCHS, FEW = 20, 3
NEVER = 2**62


def problem(n: int, d: int) -> Objective:
    """Least squares on ``n`` rows of ``d`` columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d))
    rows = MemoryRows(X, X @ rng.normal(size=d) + rng.normal(size=n))
    return Objective(rows, make_loss("mse"), make_penalty("none", 0.0, 0.0))


def spent(work: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def plain_loop(n: int, d: int, rounds: int) -> tuple[float, float]:
    """Microseconds per step: the bare iterator, and with its record."""
    least, rate = problem(n, d), Constant(0.01)

    def bare() -> None:
        for _ in islice(steps(least, begin(least.start(), Plain(), rate), Plain(), rate), STEPS):
            pass

    def recorded() -> None:
        run(least, least.start(), Plain(), rate, [MaxSteps(STEPS)])

    return in_turn(lambda: spent(bare), lambda: spent(recorded), rounds, STEPS)


def fused_epochs(n: int, d: int, rounds: int) -> tuple[float, float]:
    """Microseconds per epoch: order and kernel alone, and the whole recorded run."""
    least, rate = problem(n, d), Constant(1e-4)

    def bare(epochs: int) -> None:
        state, moving = begin(least.start(), Plain(), rate), machine(least)
        W = np.zeros((1, d + 1))
        motion = Motion(W, np.zeros_like(W), np.zeros_like(W), NEVER, 0)
        for epoch in range(epochs):
            lengths, _ = epoch_lengths(rate, state, n)
            moving.epoch(motion, Plain(), moving.source.visits(0, epoch), lengths, 1)

    def recorded(epochs: int) -> None:
        run_rows(least, least.start(), Plain(), rate, [MaxEpochs(epochs)], batch_size=1)

    def seconds(side: Callable[[int], None]) -> float:
        return spent(lambda: side(EPOCHS + FEW)) - spent(lambda: side(FEW))

    return in_turn(lambda: seconds(bare), lambda: seconds(recorded), rounds, EPOCHS)


def in_turn(
    bare: Callable[[], float], recorded: Callable[[], float], rounds: int, count: int
) -> tuple[float, float]:
    """Medians of both sides, in microseconds per step or epoch; the first round warms up."""
    sides: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds + 1):
        for times, seconds in zip(sides, (bare, recorded), strict=True):
            times.append(1e6 * seconds() / count)
    return statistics.median(sides[0][1:]), statistics.median(sides[1][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(f"{'':22} {'rows x columns':>16} {'bare':>10} {'recorded':>10} {'cost':>9}")
    for n, d in ((50, 2), (1_000, 20)):
        bare, recorded = plain_loop(n, d, rounds)
        line = f"{bare:10.1f} {recorded:10.1f} {recorded - bare:9.1f}"
        print(f"{'plain loop, us/step':22} {f'{n:,} x {d}':>16} {line}")
    for n, d in ((20_000, 30), (200_000, 30)):
        bare, recorded = fused_epochs(n, d, rounds)
        line = f"{bare:10.0f} {recorded:10.0f} {100 * (recorded / bare - 1):8.1f}%"
        print(f"{'fused, us/epoch':22} {f'{n:,} x {d}':>16} {line}")


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
