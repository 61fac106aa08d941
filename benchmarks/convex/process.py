"""A solver's own process, seen from outside."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

MOST_WALL = 900.0
WARM_UP = 20.0
"""Processor seconds that compiling and a fit of 3,000 rows may take."""
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
"""What would make a BLAS run another kernel than the processor's own."""
LOGS = Path(__file__).parents[1] / "out" / "logs"
"""What the libraries print, a file for each."""


def pinned(threads: int) -> dict[str, str]:
    """The environment of a process with so many threads, its BLAS left to choose its kernel."""
    names = ("OMP", "OPENBLAS", "MKL", "NUMBA", "NUMEXPR")
    free = {name: value for name, value in os.environ.items() if name not in FORCED}
    return free | {f"{name}_NUM_THREADS": str(threads) for name in names}


def kernels() -> str:
    """Which kernels numpy's and scipy's BLAS run in such a process, and for which processor Numba
    compiles."""
    asked = (
        "import json, numpy, scipy.linalg, threadpoolctl, llvmlite.binding as llvm;"
        "print(json.dumps([llvm.get_host_cpu_name(), sorted({p['internal_api'] + ' ' + "
        "str(p.get('architecture')) for p in threadpoolctl.threadpool_info()})]))"
    )
    said = subprocess.run(
        [sys.executable, "-c", asked], env=pinned(1), capture_output=True, text=True, check=True
    )
    compiled, blas = json.loads(said.stdout)
    return f"BLAS kernels {', '.join(blas)}; Numba for {compiled}"


class Worker:
    """A process that runs one solver; see ``worker.py``."""

    def __init__(self, solver: str, threads: int) -> None:
        self.solver, self.threads, self.loaded = solver, threads, ""
        self.warm_up, self.prepared = float("nan"), float("nan")
        self.failed = ""
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()
            self.process, self.loaded = None, ""

    def fit(self, problem: str, budget: float, limit: float) -> dict[str, Any] | None:
        """One fit; None where it failed or took too long."""
        if self.loaded != problem:
            answer = self._ask({"load": problem, "limit": WARM_UP + limit})
            if answer is None:
                return None
            self.loaded = problem
            self.warm_up, self.prepared = answer["warm_up"], answer["prepared"]
        return self._ask({"fit": budget, "limit": limit})

    def _ask(self, line: dict[str, Any]) -> dict[str, Any] | None:
        if self.process is None:
            LOGS.mkdir(parents=True, exist_ok=True)
            with (LOGS / f"{self.solver}.txt").open("a") as log:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "benchmarks.convex.worker", self.solver],
                    env=pinned(self.threads),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(line) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            self.stop()
            return None
        ready, _, _ = select.select([self.process.stdout], [], [], MOST_WALL)
        text = self.process.stdout.readline() if ready else ""
        if not text:
            late = not ready or self.process.wait() == -signal.SIGPROF
            self.failed = "" if late else f"failed, see {LOGS.name}/{self.solver}.txt"
            self.stop()
            return None
        return json.loads(text)
