"""The numerical part of the suite, rounded as other processors round: ``make test-processors``.

    python tests/processors.py [pytest's options]

Sums are added in an order that the compiler and BLAS choose by the processor, so the last digits
of every answer depend on the machine. A bound that is true here alone, and a test that wants more
digits than are promised, pass on one machine and fail on the next. Here both are made to believe
in other processors, those whose instructions this one has, with one thread and with two. What is
compiled goes into a folder of its own for each.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
AVX512 = frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
AVX2 = frozenset({"avx2", "fma", "bmi1", "bmi2"})


@dataclass(frozen=True)
class Processor:
    """What numba compiles for, the kernels of OpenBLAS, and the instructions both take.

    ``features`` are those of LLVM to add to the name's, or to take from them.
    """

    name: str
    blas: str
    needs: frozenset[str] = frozenset()
    features: str = ""

    def environment(self, threads: int, cache: str) -> dict[str, str]:
        """What makes numba and BLAS believe in it."""
        return {
            "NUMBA_CPU_NAME": self.name,
            "NUMBA_CPU_FEATURES": self.features,
            "NUMBA_CACHE_DIR": cache,
            "NUMBA_NUM_THREADS": str(threads),
            "OMP_NUM_THREADS": str(threads),
            "OPENBLAS_NUM_THREADS": str(threads),
            "OPENBLAS_CORETYPE": self.blas,
        }

    def __str__(self) -> str:
        return f"{self.name}{self.features and ' ' + self.features}, BLAS for {self.blas}"


PROCESSORS = (
    Processor("generic", "Prescott"),
    Processor("haswell", "Sandybridge", AVX2, "-fma"),
    Processor("haswell", "Haswell", AVX2),
    Processor("znver3", "Zen", AVX2 | {"sse4a", "vaes", "vpclmulqdq", "clwb"}),
    Processor("skylake-avx512", "SkylakeX", AVX2 | AVX512),
    Processor("znver4", "SkylakeX", AVX2 | AVX512 | {"sse4a", "avx512_vnni", "avx512_bf16"}),
)
"""From two numbers at a time to eight, with and without a multiply-add that rounds once."""
THREADS = (1, 2)
NUMERICAL = [
    "kernels",
    "losses",
    "penalties",
    "rules",
    "bowl",
    "bowl_classes",
    "corners",
    "lasso",
    "least_squares",
    "sparse_bowl",
    "hard_columns",
    "round_batches",
    "row_path",
    "run_up",
    "solve_stream",
    "folding",
    "in_round",
    "fit_within",
    "drop_in",
    "estimators",
    "reference_fits",
    "nasty_tables",
    "curvature",
    "sklearn_files",
]
"""Files of tests whose answers are sums over rows."""


def flags() -> frozenset[str]:
    """Instructions of this processor, as Linux names them; none where it does not say."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    found = [line.partition(":")[2].split() for line in lines if line.startswith("flags")]
    return frozenset(found[0] if found else ())


def closing(printed: str) -> str:
    """pytest's last line."""
    return printed.strip().rpartition("\n")[2]


def run(processor: Processor, threads: int, cache: str, options: list[str]) -> tuple[bool, str]:
    """The numerical tests as that processor rounds: whether all passed, and the closing line."""
    tests = [f"tests/test_{name}.py" for name in NUMERICAL]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, *tests]
    environment = os.environ | processor.environment(threads, cache)
    done = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, errors="replace"
    )
    assert done.stdout is not None
    lines = []
    for line in done.stdout:
        print(line, end="", flush=True)
        lines.append(line)
    return done.wait() == 0, closing("".join(lines))


def main(options: list[str]) -> int:
    here, told, green = flags(), [], True
    for processor in PROCESSORS:
        if lacking := sorted(processor.needs - here):
            told.append(f"cannot run here (no {', '.join(lacking)}): {processor}")
            print(told[-1], flush=True)
            continue
        with tempfile.TemporaryDirectory(prefix="downslope-processor-") as cache:
            for threads in THREADS:
                what = f"{processor}, {threads} thread{'s' * (threads > 1)}"
                print(f"== {what}", flush=True)
                passed, last = run(processor, threads, cache, options)
                green = green and passed
                told.append(f"{'ok' if passed else 'FAILED'}: {what}: {last.strip('= ')}")
    print("\n" + "\n".join(told))
    return 0 if green else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
