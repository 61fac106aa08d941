"""The round bowl killed in the middle: what its passes gave is kept, and the bits are the same."""

import os
import signal
import sys
import time
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from downslope.bowl.pass_log import Checkpointing, PassLog
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.bowl.solve_stream import solve_stream
from downslope.errors import DownslopeWarning, StoreError
from downslope.losses import LogLoss
from downslope.penalties import Penalty
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import MemoryRows, Rows
from downslope.training import Settings as TrainSettings
from downslope.training import train

TIGHT = Settings(tol=1e-14)


@cache
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 12)) @ np.diag(np.logspace(0, -3, 12)) @ rng.normal(size=(12, 12))
    z = X @ rng.normal(size=12)
    return X, np.where(z / z.std() + rng.logistic(size=len(X)) > 0, 1.0, -1.0)


def in_blocks(X, y, pause=0.0):
    def read(i):
        time.sleep(pause)
        rows = slice(i * 3000, (i + 1) * 3000)
        yield Rows(X[rows], y[rows], None)

    return BlockRows(read, 7, len(y), X.shape[1])


def from_memory(settings, pause=0.0):
    return solve(*data(), LogLoss(), Penalty(l2=1e-5), settings=settings)


def from_blocks(settings, pause=0.0):
    rows = in_blocks(*data(), pause)
    return solve_stream(rows, LogLoss(), Penalty(l2=1e-5), settings=settings)


class Killed(BaseException):
    """Stands for a crash."""


def crash_after(passes, log):
    """The log, whose run ends when it has made so many passes."""
    left = [passes]

    def recall(asked, read, recall=log.recall):
        def last():
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return read()

        return recall(asked, last)

    log.recall = recall
    return log


@pytest.mark.parametrize("fit", [from_memory, from_blocks])
@pytest.mark.parametrize("passes", [1, 2, 4])
@pytest.mark.parametrize("every", [0.0, 1000.0])
def test_resumed_is_unbroken_bit_for_bit(fit, passes, every, tmp_path):
    whole = fit(TIGHT)
    with pytest.raises(Killed):
        fit(replace(TIGHT, log=crash_after(passes, PassLog(tmp_path, "same", every))))
    log, read = PassLog(tmp_path, "same", every, resume=True), []
    seen = log.recall

    def recall(asked, source):
        return seen(asked, lambda: read.append(1) or source())

    log.recall = recall
    resumed = fit(replace(TIGHT, log=log))
    np.testing.assert_array_equal(resumed.w, whole.w)
    assert (resumed.value, resumed.bound, resumed.reason) == (
        whole.value, whole.bound, whole.reason,
    )  # fmt: skip
    assert len(read) == log._count - passes, "passes in the log are not made again"


def start_child(fit, folder, out):
    pid = os.fork()
    if pid == 0:
        log = PassLog(folder, "same", 0.0, resume=True)
        np.save(out, fit(replace(TIGHT, log=log), 0.002).w)
        os._exit(0)
    return pid


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix affair")
def test_killed_25_times_at_random_moments_and_resumed(tmp_path):
    whole, moments = from_blocks(TIGHT).w, np.random.default_rng(3)
    for turn in range(5):
        folder, out = tmp_path / str(turn), tmp_path / f"{turn}.npy"
        for _ in range(5):
            pid = start_child(from_blocks, folder, out)
            time.sleep(moments.uniform(0.0, 0.25))
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.waitpid(start_child(from_blocks, folder, out), 0)
        np.testing.assert_array_equal(np.load(out), whole)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign", "gone"])
def test_a_damaged_pass_is_made_again(damage, tmp_path):
    whole = from_memory(replace(TIGHT, log=PassLog(tmp_path, "same", 0.0)))
    victim = sorted(tmp_path.glob("pass-*.ckpt"))[1]
    content = bytearray(victim.read_bytes())
    if damage == "gone":
        victim.unlink()
    else:
        content = content[:-10] if damage == "truncated" else content
        content[-5] ^= 1
        victim.write_bytes(b"PK" if damage == "foreign" else content)
    again = replace(TIGHT, log=PassLog(tmp_path, "same", 0.0, resume=True))
    if damage == "gone":
        resumed = from_memory(again)
    else:
        with pytest.warns(DownslopeWarning, match="that pass is made again"):
            resumed = from_memory(again)
    np.testing.assert_array_equal(resumed.w, whole.w)


def test_another_log_and_a_forgotten_option_are_refused(tmp_path):
    from_memory(replace(TIGHT, log=PassLog(tmp_path, "same", 0.0)))
    with pytest.raises(StoreError, match="other data or other settings"):
        from_memory(replace(TIGHT, log=PassLog(tmp_path, "else", 0.0, resume=True)))
    with pytest.raises(StoreError, match="already holds a checkpoint"):
        from_memory(replace(TIGHT, log=PassLog(tmp_path, "same", 0.0)))


def test_a_folder_that_cannot_be_written_does_not_stop_the_run(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    log = PassLog(tmp_path / "file" / "x", "same", 0.0)
    with pytest.warns(DownslopeWarning, match="the run goes on"):
        result = from_memory(replace(TIGHT, log=log))
    np.testing.assert_array_equal(result.w, from_memory(TIGHT).w)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"learning_rate": "armijo", "max_iter": 60, "tol": None},
        {"batch_size": 500, "learning_rate": 0.1, "max_iter": 3, "tol": None},
        {"rule": "adam", "learning_rate": 0.01, "max_iter": 60, "tol": None},
    ],
)
def test_train_goes_on_to_the_same_bits(asked, tmp_path):
    rows = MemoryRows(*(part[:5000] for part in data()))
    settings = TrainSettings(LogLoss(), Penalty(l2=0.001), **asked)
    whole = train(rows, settings, checkpoint=Checkpointing(tmp_path / "whole", 0.0))
    seen = [0]

    def stop_early(sight):
        seen[0] += 1
        if seen[0] == 2:
            raise Killed

    folder = tmp_path / "broken"
    with pytest.raises(Killed):
        train(rows, settings, each_epoch=stop_early, checkpoint=Checkpointing(folder, 0.0))
    resumed = train(rows, settings, checkpoint=Checkpointing(folder, 0.0, resume=True))
    np.testing.assert_array_equal(resumed.w, whole.w)
    other = replace(settings, seed=1)
    with pytest.raises(StoreError, match="other data or other settings"):
        train(rows, other, checkpoint=Checkpointing(folder, 0.0, resume=True))
