"""kill -9, fifty times at random moments: what is resumed ends in the bits of an unbroken run."""

import multiprocessing
import signal
import sys
import time
import warnings
from functools import partial

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from downslope.bowl.pass_log import Checkpointing
from downslope.estimators import DescentClassifier
from downslope.fitting.fit import Ask
from downslope.fitting.fit_files import fit_files

N, D, KILLS = 9000, 12, 10
WALKS = {
    "batch": {"learning_rate": "armijo", "max_iter": 40, "tol": None},
    "mini-batch": {"batch_size": 100, "learning_rate": 0.1, "max_iter": 2, "tol": None},
    "round bowl": {"tol": 1e-14},
}
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a Unix affair")


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)) @ np.diag(np.logspace(0, -2, D)) @ rng.normal(size=(D, D))
    z = X @ rng.normal(size=D)
    return X, np.where(z / z.std() + rng.logistic(size=N) > 0, "yes", "no")


def in_memory(walk, source, folder):
    X, y = data()
    kept = {} if folder is None else {"checkpoint": folder, "every": 0.0, "resume": True}
    model = DescentClassifier(random_state=0, **WALKS[walk], **kept).fit(X, y)
    return np.append(model.coef_, model.intercept_)


def from_arrow(walk, source, folder):
    kept = None if folder is None else Checkpointing(folder, 0.0, True)
    model = fit_files(source, Ask("y", **WALKS[walk]), checkpoint=kept).model()
    return np.append(model.coefficients, model.intercepts)


def child(fit, folder, out):
    warnings.simplefilter("ignore")  # a file that was cut short is said, and made again
    np.save(out, fit(folder=folder))


def started(fit, folder, out):
    """The fit in a process of its own, which can be killed as hard as one likes.

    It comes from a server that has imported everything and started no thread: threads of Arrow do
    not survive a fork.
    """
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["downslope.estimators", "downslope.fitting.fit_files"])
    process = server.Process(target=child, args=(fit, folder, out))
    process.start()
    return process


# Batch descent takes thousands of passes, which files refuse.
@pytest.mark.parametrize(
    ("where", "walk"),
    [(in_memory, walk) for walk in WALKS]
    + [(from_arrow, walk) for walk in ("mini-batch", "round bowl")],
)
def test_killed_at_random_moments_and_resumed_to_the_same_bits(where, walk, tmp_path):
    X, y = data()
    table = pyarrow.table({**{f"x{j}": X[:, j] for j in range(D)}, "y": y})
    source = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(table, source, row_group_size=1000)
    fit = partial(where, walk, source)
    # A walk that is kept steps one by one; one that is not may run as machine code: other rounding.
    started(fit, tmp_path / "first", tmp_path / "first.npy").join()
    began = time.monotonic()
    started(fit, tmp_path / "whole", tmp_path / "whole.npy").join()
    seconds, moments = time.monotonic() - began, np.random.default_rng(len(walk))
    whole, kills, turn = np.load(tmp_path / "whole.npy"), 0, 0
    while kills < KILLS:
        folder, out = tmp_path / f"kept-{turn // 5}", tmp_path / f"{turn}.npy"
        process = started(fit, folder, out)
        time.sleep(moments.uniform(0.0, seconds))
        process.kill()
        process.join()
        if process.exitcode == 0:
            np.testing.assert_array_equal(np.load(out), whole)
        kills, turn = kills + (process.exitcode == -signal.SIGKILL), turn + 1
    started(fit, folder, tmp_path / "last.npy").join()
    np.testing.assert_array_equal(np.load(tmp_path / "last.npy"), whole)
