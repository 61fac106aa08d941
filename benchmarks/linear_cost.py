"""How the cost of a fit grows: ``python -m benchmarks.linear_cost [rows] [columns] [stored]``.

Processor seconds on one thread of a whole fit with the default stop, certificate included, the
fastest of three, against rows, columns and stored elements; exponents by least squares on the
logarithms, where 1 is linear. A figure goes to ``benchmarks/out/figures/linear_cost.png``.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np

ROWS = (10_000, 30_000, 100_000, 300_000, 1_000_000, 4_000_000)
COLUMNS = (10, 20, 50, 100, 200, 500, 1_000, 2_000)
STORED = (3_000, 10_000, 30_000, 100_000, 300_000)
FIGURE = Path(__file__).parent / "out" / "figures" / "linear_cost.png"


def dense(n: int, d: int) -> tuple:
    """Correlated columns and two classes."""
    random = np.random.default_rng(0)
    mix = np.linalg.qr(random.normal(size=(d, d)))[0] * np.logspace(0, -1, d)
    X = np.empty((n, d))
    for i in range(0, n, 50_000):
        X[i : i + 50_000] = random.normal(size=(min(50_000, n - i), d)) @ mix
    z = X @ (mix.T @ (random.normal(size=d) / np.logspace(0, -2, d)))
    return X, z / z.std() + random.logistic(size=n)


def stored(n: int) -> tuple:
    """Documents of fifty words."""
    from benchmarks.convex.datasets.sparse_text import text_like

    problem = text_like("", n, 20_000, 50, 0.0)
    return problem.X, problem.y


def cost(X, z, loss: str) -> tuple[float, float]:
    """Seconds of a fit, and passes."""
    from downslope.bowl.solve import solve
    from downslope.losses import make_loss
    from downslope.penalties import Penalty

    y = z if loss == "squared_error" else np.where(z > 0, 1.0, -1.0)
    times = []
    for _ in range(3):
        began = time.process_time()
        solution = solve(X, y, make_loss(loss), Penalty(l2=1e-5))
        times.append(time.process_time() - began)
    return min(times), solution.passes


def measure(what: str) -> dict[str, list[tuple[float, float, float]]]:
    """Size, seconds and passes by loss."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    losses = ("log_loss",) if what == "stored" else ("log_loss", "squared_error")
    for size in {"rows": ROWS, "columns": COLUMNS, "stored": STORED}[what]:
        X, z = {
            "rows": lambda: dense(size, 20),  # noqa: B023, used at once
            "columns": lambda: dense(50_000, size),  # noqa: B023
            "stored": lambda: stored(size),  # noqa: B023
        }[what]()
        for loss in losses:
            seconds, passes = cost(X, z, loss)
            x = X.nnz if what == "stored" else size
            found.setdefault(loss, []).append((x, seconds, passes))
            print(
                f"| {what} | {x:,} | {loss} | {seconds:.4f} | {passes:.1f} | "
                f"{seconds / passes * 1e3:.3f} |",
                flush=True,
            )
    return found


def exponent(sizes: np.ndarray, seconds: np.ndarray) -> float:
    """Slope of a straight line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def main() -> None:
    from matplotlib.figure import Figure

    chosen = sys.argv[1:] or ["rows", "columns", "stored"]
    print(f"# python -m benchmarks.linear_cost {' '.join(sys.argv[1:])}")
    print(
        "| what grows | size | loss | seconds | passes | ms per pass |\n|---|---|---|---|---|---|"
    )
    names = {
        "rows": "rows (20 columns)",
        "columns": "columns (50,000 rows)",
        "stored": "stored elements (20,000 columns)",
    }
    lines, figure = [], Figure(figsize=(3.4 * len(chosen), 3.2), layout="constrained")
    for axes, what in zip(np.atleast_1d(figure.subplots(1, len(chosen))), chosen, strict=True):
        for (loss, points), colour in zip(
            measure(what).items(), ("#0072B2", "#D55E00"), strict=False
        ):
            sizes, seconds, passes = np.array(points).T
            whole, each = exponent(sizes, seconds), exponent(sizes, seconds / passes)
            label = f"{loss.replace('_', ' ')}: exponent {whole:.2f}"
            axes.loglog(sizes, seconds, "o-", color=colour, label=label)
            lines.append(f"| {names[what]} | {loss} | {whole:.2f} | {each:.2f} |")
        axes.loglog(sizes, seconds[-1] * sizes / sizes[-1], ":", color="#777777", label="linear")
        axes.set_xlabel(names[what])
        axes.legend(fontsize=7, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
    np.atleast_1d(figure.axes)[0].set_ylabel("processor seconds of a fit")
    print("\n| what grows | loss | exponent of a fit | exponent of a pass |\n|---|---|---|---|")
    print("\n".join(lines))
    FIGURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(FIGURE, dpi=150)
    print(f"\n{FIGURE}")


if __name__ == "__main__":
    for name in ("OMP", "OPENBLAS", "NUMBA"):
        if os.environ.get(f"{name}_NUM_THREADS") != "1":  # must be set before NumPy is loaded
            os.environ |= {f"{n}_NUM_THREADS": "1" for n in ("OMP", "OPENBLAS", "NUMBA")}
            os.execv(
                sys.executable, [sys.executable, "-m", "benchmarks.linear_cost", *sys.argv[1:]]
            )
    main()
