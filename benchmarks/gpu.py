"""One pass over rows on a device against its copy bandwidth, and a whole fit; cuML where it is.

    python -m benchmarks.gpu [--gigabytes 10] [--columns 100] [--device cuda]

Logistic regression on float32 rows made on the device. Printed are the bandwidth of a copy of the
rows (bytes read plus bytes written, over the time), that of a pass (bytes read: the rows twice, for
the predictions and for the gradient, however many of them the cache answers), the time of a fit to
a gap of 1e-6 in units of passes, and that of cuML's LogisticRegression with the gap of its answer.
`--device cpu --gigabytes 0.05` tries it out without a GPU.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from downslope.bowl.device_passes import DevicePasses, solve_on
from downslope.bowl.smooth import Settings
from downslope.losses import LogLoss
from downslope.penalties import Penalty

L2 = 1e-6


def make(gigabytes: float, d: int, device: str) -> tuple[Any, Any]:
    n = int(gigabytes * 1e9 / 4 / d)
    draw = torch.Generator(device).manual_seed(0)
    X = torch.randn((n, d), generator=draw, device=device, dtype=torch.float32)
    w = torch.randn(d, generator=draw, device=device) / d**0.5
    u = torch.rand(n, generator=draw, device=device)
    y = torch.where(X @ w + torch.log(u / (1 - u)) > 0, 1.0, -1.0)
    return X, y.double()


def seconds_of(fn: Callable[[], Any], device: str, rounds: int = 5) -> tuple[float, Any]:
    """Least time of some rounds after one that is not timed, the device's own work included."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else (lambda: None)
    answer, best = fn(), float("inf")
    for _ in range(rounds):
        wait()
        began = time.perf_counter()
        answer = fn()
        wait()
        best = min(best, time.perf_counter() - began)
    return best, answer


def gap(passes: DevicePasses, w: Any, lowest: float) -> float:
    return passes.at(w)[0] + 0.5 * L2 * float(w[:-1] @ w[:-1]) - lowest


def against(X: Any, y: Any, passes: DevicePasses, lowest: float, ours: float, device: str) -> None:
    try:
        from cuml.linear_model import LogisticRegression
    except ImportError:
        print("  cuML is not installed here")
        return
    import cupy

    rows, targets = cupy.asarray(X), cupy.asarray(y)
    for tol in (1e-4, 1e-6, 1e-8):
        model = LogisticRegression(C=1 / (len(X) * L2), tol=tol, max_iter=1000)
        seconds, _ = seconds_of(lambda model=model: model.fit(rows, targets), device, 2)
        w = np.append(cupy.asnumpy(model.coef_).ravel(), cupy.asnumpy(model.intercept_))
        left = gap(passes, w.astype(float), lowest)
        print(
            f"  cuML tol {tol:g}: {seconds:.3f} s, gap {left:.1e}; {seconds / ours:.1f}x our time"
        )


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--gigabytes", type=float, default=10.0)
    ask.add_argument("--columns", type=int, default=100)
    ask.add_argument("--device", default="cuda")
    given = ask.parse_args()
    device = given.device
    if device.startswith("cuda") and not torch.cuda.is_available():
        print("There is no CUDA GPU here; --device cpu --gigabytes 0.05 tries the program out.")
        return
    X, y = make(given.gigabytes, given.columns, device)
    size, d = X.nbytes, given.columns
    name = torch.cuda.get_device_name() if device.startswith("cuda") else "CPU"
    print(f"{len(X):,} rows x {d} float32 columns, {size / 1e9:.2f} GB, on {name}")
    copy, _ = seconds_of(X.clone, device)
    passes = DevicePasses(X, y, torch.ones_like(y), LogLoss(), True, np.zeros(d))
    one, _ = seconds_of(lambda: passes.at(np.full(d + 1, 0.01)), device)
    print(
        f"  copy {copy * 1e3:.1f} ms ({2 * size / copy / 1e9:.0f} GB/s), pass {one * 1e3:.1f} ms "
        f"({2 * size / one / 1e9:.0f} GB/s): {copy / one:.0%} of the copy's bandwidth (target 70%)"
    )
    settings = Settings(tol=1e-6)
    ours, done = seconds_of(
        lambda: solve_on(X, y, LogLoss(), Penalty(l2=L2), settings=settings), device, 3
    )
    best = solve_on(X, y, LogLoss(), Penalty(l2=L2), settings=Settings(tol=1e-12))
    print(
        f"  fit {ours:.3f} s, {ours / one:.1f} passes' worth (target 15), {done.passes:.1f} reads, "
        f"bound {done.bound:.0e}, gap {gap(passes, done.w, best.value):.1e}"
    )
    against(X, y, passes, best.value, ours, device)


if __name__ == "__main__":
    main()
