"""Killed in the middle: resumed runs give the same bits; bad files are refused in a sentence."""

import errno
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from downslope.checkpoint import Checkpoints, fingerprint
from downslope.descend import run
from downslope.errors import DownslopeWarning, StoreError
from downslope.files import write_atomically
from downslope.losses import LogLoss
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Adaptive, AdaptiveDescent, Armijo, Constant
from downslope.rules import RULES, Plain, make_rule
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxSteps, Progress


def problem():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 5))
    y = np.where(X @ np.arange(1.0, 6.0) + rng.normal(size=80) > 0, 1.0, -1.0)
    return Objective(MemoryRows(X, y), LogLoss(), Penalty(l2=0.01))


def walk(rule, rate, n, batch_size=None, keeper=None):
    stops = [GradientNorm(1e-12), Progress(1e-15, 50), MaxSteps(n)]
    return run(
        problem(),
        np.zeros(6),
        rule,
        rate,
        stops,
        batch_size=batch_size,
        keeper=keeper,
        average_from=5,
    )


CASES = [(make_rule(name), Constant(0.05), size) for name in RULES for size in (None, 16)] + [
    (Plain(), Armijo(), None),
    (Plain(), AdaptiveDescent(), None),
    (Plain(), Adaptive(0.5), 16),
]


@pytest.mark.parametrize(("rule", "rate", "size"), CASES, ids=lambda c: getattr(c, "name", str(c)))
def test_resumed_is_unbroken_bit_for_bit(rule, rate, size, tmp_path):
    whole = walk(rule, rate, 40, size)
    walk(rule, rate, 23, size, Checkpoints(tmp_path, "same", every=0.0))
    resumed = walk(rule, rate, 40, size, Checkpoints(tmp_path, "same", every=0.0, resume=True))
    np.testing.assert_array_equal(resumed.w, whole.w)
    np.testing.assert_array_equal(resumed.average, whole.average)
    for column in ("step", "value", "gradient_norm", "rate"):
        np.testing.assert_array_equal(resumed.trace[column], whole.trace[column])
    np.testing.assert_array_equal(resumed.trace.weights, whole.trace.weights)
    assert resumed.reason == whole.reason


def newest(folder):
    return max((int(path.stem[5:]) for path in folder.glob("step-*.ckpt")), default=0)


def start_child(folder, out, size, n):
    """The walk in a process of its own, which can be killed as hard as one likes."""
    pid = os.fork()
    if pid == 0:
        keeper = Checkpoints(folder, "same", every=0.0, resume=True)
        np.save(out, walk(make_rule("adam"), Constant(0.01), n, size, keeper).w)
        os._exit(0)
    return pid


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix affair")
@pytest.mark.parametrize("size", [None, 16])
def test_killed_25_times_at_random_moments_and_resumed(size, tmp_path):
    n, kills = 4000, 25
    folder, out, moments = tmp_path / "kept", tmp_path / "w.npy", np.random.default_rng(7)
    for _ in range(kills):
        before, pid = newest(folder), start_child(folder, out, size, n)
        while newest(folder) <= before and not out.exists():
            time.sleep(0.001)
        time.sleep(moments.uniform(0.0, 0.05))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    os.waitpid(start_child(folder, out, size, n), 0)
    np.testing.assert_array_equal(np.load(out), walk(make_rule("adam"), Constant(0.01), n, size).w)


def kept(tmp_path):
    keeper = Checkpoints(tmp_path, "same", every=0.0)
    walk(Plain(), Constant(0.1), 10, keeper=keeper)
    return sorted(tmp_path.glob("*.ckpt"))


def resumed(tmp_path, of="same"):
    return walk(Plain(), Constant(0.1), 20, keeper=Checkpoints(tmp_path, of, 0.0, resume=True))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "foreign"])
def test_a_damaged_newest_gives_way_to_the_one_before(damage, tmp_path):
    newest = kept(tmp_path)[-1]
    content = bytearray(newest.read_bytes())
    if damage == "truncated":
        content = content[:-100]
    elif damage == "flipped":
        content[-50] ^= 1
    else:
        content = bytearray(b"PK\x03\x04 something else")
    newest.write_bytes(content)
    with pytest.warns(DownslopeWarning, match="is not whole"):
        result = resumed(tmp_path)
    np.testing.assert_array_equal(result.w, walk(Plain(), Constant(0.1), 20).w)


def test_only_two_are_kept_and_all_damaged_is_a_sentence(tmp_path):
    files = kept(tmp_path)
    assert len(files) == 2
    for path in files:
        path.write_bytes(b"")
    with (
        pytest.warns(DownslopeWarning),
        pytest.raises(StoreError, match="None of the 2 checkpoints"),
    ):
        resumed(tmp_path)


def test_other_data_or_settings_are_refused(tmp_path):
    kept(tmp_path)
    with pytest.raises(StoreError, match="other data or other settings"):
        resumed(tmp_path, "another")
    with pytest.raises(StoreError, match="already holds a checkpoint"):
        walk(Plain(), Constant(0.1), 5, keeper=Checkpoints(tmp_path, "same"))


def test_another_version_is_refused(tmp_path):
    for path in kept(tmp_path):
        path.write_bytes(path.read_bytes().replace(b'"version": 1', b'"version": 9'))
    with pytest.raises(StoreError, match="version 9"):
        resumed(tmp_path)


def test_a_folder_that_cannot_be_written_does_not_stop_the_run(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.warns(DownslopeWarning, match="the run goes on"):
        result = walk(Plain(), Constant(0.1), 10, keeper=Checkpoints(blocked / "x", "same", 0.0))
    np.testing.assert_array_equal(result.w, walk(Plain(), Constant(0.1), 10).w)


def test_nothing_half_written_is_left(tmp_path):
    kept(tmp_path)
    assert not list(tmp_path.glob(".*"))


def test_fingerprint_sees_every_bit():
    X = np.arange(12.0).reshape(3, 4)
    other = X.copy()
    other[2, 3] = np.nextafter(other[2, 3], 100)
    marks = [fingerprint([A], {"a": 1}) for A in (X, other, X.T, X.astype(np.float32))]
    assert len(set(marks)) == 4


def failing(error, after):
    """A write that fails so from the ``after``-th file on, as the system would."""
    left = [after]

    def write(path, content):
        left[0] -= 1
        if left[0] < 0:
            Path(path).with_name(".half.part").write_bytes(content[:10])
            raise OSError(error, os.strerror(error))
        write_atomically(path, content)

    return write


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (errno.ENOSPC, "No space left on device"),
        (errno.EROFS, "Read-only file system"),
        (errno.EACCES, "Permission denied"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_disk_that_fails_on_the_way_keeps_the_last_good_one(error, says, tmp_path, monkeypatch):
    whole = walk(Plain(), Constant(0.1), 20)
    monkeypatch.setattr("downslope.checkpoint.write_atomically", failing(error, after=5))
    with pytest.warns(DownslopeWarning, match=says):
        broken = walk(Plain(), Constant(0.1), 20, keeper=Checkpoints(tmp_path, "same", 0.0))
    np.testing.assert_array_equal(broken.w, whole.w)
    monkeypatch.undo()
    assert newest(tmp_path) == 5
    np.testing.assert_array_equal(resumed(tmp_path).w, whole.w)


def test_a_folder_removed_on_the_way_is_made_again(tmp_path):
    folder = tmp_path / "kept"
    keeper = Checkpoints(folder, "same", every=0.0)
    plain, count = keeper.keep, [0]

    def keep(snapshot):
        count[0] += 1
        if count[0] == 7:
            shutil.rmtree(folder)
        plain(snapshot)

    keeper.keep = keep
    walk(Plain(), Constant(0.1), 10, keeper=keeper)
    assert newest(folder) >= 10
    after = walk(Plain(), Constant(0.1), 20, keeper=Checkpoints(folder, "same", 0.0, resume=True))
    np.testing.assert_array_equal(after.w, walk(Plain(), Constant(0.1), 20).w)
