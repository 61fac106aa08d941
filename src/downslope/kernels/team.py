"""Chunks of rows worked on by several threads, with the same numbers for any number of threads.

Rows are cut into chunks by their number and width only. Every chunk fills its own partial sums, and
the partial sums are added in the order of the chunks, so the result does not depend on who worked
on what. Kernels release Python's lock while they run.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import Any

from threadpoolctl import ThreadpoolController

CHUNK_ELEMENTS = 1 << 18
MOST_CHUNKS = 64


def chunks(n_rows: int, elements: int) -> list[tuple[int, int]]:
    """First and last row of each chunk, by the number of rows and of stored elements.

    Examples
    --------
    >>> chunks(10, 30)
    [(0, 10)]
    >>> chunks(1_000_000, 700_000)
    [(0, 333333), (333333, 666666), (666666, 1000000)]
    """
    count = max(1, min(MOST_CHUNKS, n_rows, -(-elements // CHUNK_ELEMENTS)))
    return list(pairwise(n_rows * i // count for i in range(count + 1)))


@cache
def n_threads() -> int:
    """Processors this process may use, or ``OMP_NUM_THREADS`` where it is set lower."""
    available = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(available or 1, int(asked) if asked.isdigit() else MOST_CHUNKS))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(n_threads(), thread_name_prefix="downslope")


if sys.platform != "win32":  # threads do not survive a fork: the child starts its own
    os.register_at_fork(after_in_child=_pool.cache_clear)


def share(work: Callable[[Any], Any], parts: Iterable[Any]) -> list[Any]:
    """``[work(part) for part in parts]``, by all threads at once; results in the order of parts."""
    parts = list(parts)
    if len(parts) == 1 or n_threads() == 1:
        return [work(part) for part in parts]
    return list(_pool().map(work, parts))


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread_per_product() -> Iterator[None]:
    """Matrix products on one thread each: our own threads share the work, in a fixed order.

    Libraries split products by the number of threads, which changes the last digits; and their
    threads wait for work in a loop, which slows down everybody else's.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield
