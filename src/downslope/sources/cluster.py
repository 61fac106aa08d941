"""A cluster to hold rows and to run their passes: one that is there, or one started here.

A terminal sends Ctrl-C to every process, but only the one that fits decides what becomes of a run.
Workers that are started here do not hear of it, and end with the run.
"""

import logging
import multiprocessing
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

from downslope.errors import InputError, SettingError

LOOK = 1.0
"""Seconds between two looks at workers that are to start."""
PATIENCE = "10s"
"""How long a scheduler may take to answer."""
PATIENT_LOOKS = 60
"""Seconds that workers may take to start on a machine that is busy."""


@contextmanager
def connected(address: str) -> Iterator[None]:
    """A cluster for what is computed inside: ``tcp://host:port``, or ``local:N`` to start one.

    Raises
    ------
    SettingError, InputError
        If the address is none, nobody answers there, or the cluster is lost on the way.
    """
    from distributed import CancelledError, Client
    from distributed.scheduler import KilledWorker

    kind, _, count = address.partition(":")
    if kind == "local" and not (count.isdecimal() and int(count) > 0):
        raise SettingError(f"cluster {address!r} names no number of workers; write local:2.")
    for name in ("asyncio", "distributed.batched"):
        logging.getLogger(name).addFilter(_is_no_broken_wait)
    if kind != "local" and "://" not in address:
        raise SettingError(
            f"cluster {address!r} is no address; write tcp://host:8786, or local:2 to start one."
        )
    try:
        with ExitStack() as stack:
            where: Any = address
            if kind == "local":
                where = stack.enter_context(_local_cluster())
            client = stack.enter_context(Client(where, timeout=PATIENCE))
            if kind == "local":
                stack.push(_Ending(where, client, multiprocessing.active_children()))
                _start_workers(where, client, int(count))
            yield
    except (OSError, CancelledError, KilledWorker) as error:
        raise InputError(
            f"The cluster {address} did not answer or was lost ({type(error).__name__}); start it "
            "again, and go on with --resume if there is a checkpoint."
        ) from None


def _local_cluster() -> Any:
    """A scheduler here, without workers yet, from whose processes Ctrl-C is kept.

    A terminal sends it to every process; but only this one decides what becomes of a run. Threads
    and processes inherit what is blocked, and workers are started by a thread of the cluster.
    """
    from distributed import LocalCluster

    def start() -> Any:
        quiet = {"dashboard_address": ":0", "silence_logs": logging.CRITICAL}
        return LocalCluster(n_workers=0, threads_per_worker=1, **quiet)

    if sys.platform == "win32":
        return start()
    resource_tracker.ensure_running()  # its own start would unblock them again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_workers(cluster: Any, client: Any, count: int) -> None:
    """Start so many, and wait for them.

    Raises
    ------
    InputError
        If one does not start.
    """
    cluster.scale(count)
    for _ in range(PATIENT_LOOKS):
        try:
            client.wait_for_workers(count, timeout=LOOK)
            return
        except TimeoutError:
            if any(nanny.status.name in ("failed", "closed") for nanny in cluster.workers.values()):
                break
    raise InputError(
        f"{count} workers could not be started here; a Python script that starts some needs "
        'if __name__ == "__main__": above what it does, since every worker reads it.'
    )


def _is_no_broken_wait(record: logging.LogRecord) -> bool:
    """Whether a record is other than Dask's own trace of a wait or a message that was cut off."""
    kind = record.exc_info[0] if record.exc_info else None
    return getattr(kind, "__name__", "") not in ("AllExit", "CommClosedError")


@dataclass(frozen=True)
class _Ending:
    """At the end of a cluster of one's own: workers that are busy, or still starting, are killed.

    They hold nothing that is wanted, and may be in the middle of a long task; idle ones say goodbye
    by themselves.

    Parameters
    ----------
    cluster : LocalCluster
    client : Client
    others : list of Process
        Processes that are none of its workers.
    """

    cluster: Any
    client: Any
    others: list[Any]

    def __call__(self, kind: type[BaseException] | None, *_: Any) -> None:
        if kind is None and not any(self.client.processing().values()):
            return
        for nanny in list(self.cluster.workers.values()):
            nanny.close_gracefully()  # it starts no other one
        for process in multiprocessing.active_children():
            if process not in self.others:
                process.kill()
