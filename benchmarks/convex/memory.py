"""The physical line: one read of the rows, and one product with a vector, in seconds."""

import time

import numpy as np


def read_once(X: np.ndarray, repeats: int = 5) -> tuple[float, float]:
    """Median processor seconds of ``X.sum()`` and of ``X @ w``."""
    w = np.ones(X.shape[1], dtype=X.dtype)
    times = []
    for _ in range(repeats):
        a = time.process_time()
        X.sum()
        b = time.process_time()
        X @ w
        times.append((b - a, time.process_time() - b))
    return tuple(float(t) for t in np.median(times, axis=0))
