"""A cluster of two processes: the answer of memory, also when a worker is killed on the way."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from conftest import PATIENCE

from downslope.bowl.pass_log import Checkpointing
from downslope.bowl.smooth import Settings
from downslope.bowl.solve_stream import solve_stream
from downslope.errors import DownslopeError, InputError, SettingError
from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.fitting.fit import Ask
from downslope.fitting.fit_files import fit_files
from downslope.losses import LogLoss
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import Rows

dask_array = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, of its own
N, D = 20_000, 5


def data():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(N, D)) * [1, 10, 0.1, 3, 1] + 5
    z = (X - X.mean(0)) / X.std(0) @ np.linspace(-1, 1, D)
    return X, z


def in_dask(a):
    return dask_array.from_array(a, chunks=(3000, *a.shape[1:]))


@pytest.fixture(scope="module")
def cluster():
    options = {"threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
    with distributed.LocalCluster(n_workers=2, **options) as two, distributed.Client(two):
        yield two


@pytest.mark.parametrize("settings", [{}, {"alpha": 0.01}, {"penalty": "l1", "alpha": 0.05}])
def test_a_regressor_of_dask_arrays_is_that_of_memory(settings):
    X, z = data()
    y = z + 0.1 * np.random.default_rng(0).normal(size=N)
    near = DescentRegressor(tol=1e-19, random_state=0, **settings).fit(X, y)
    far = DescentRegressor(tol=1e-19, random_state=0, **settings).fit(in_dask(X), in_dask(y))
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-6, atol=1e-8)
    assert far.intercept_ == pytest.approx(near.intercept_, rel=1e-6)
    assert far.reason_.converged
    assert far.diagnosis_.verdict == near.diagnosis_.verdict
    np.testing.assert_array_equal(far.predict(X[:5]).shape, (5,))


def test_a_classifier_of_a_dask_frame_with_weights_is_that_of_memory():
    import pandas

    frame = pytest.importorskip("dask.dataframe")
    X, z = data()
    table = pandas.DataFrame(X, columns=[*"abcde"])
    y = np.where(z + np.random.default_rng(0).logistic(size=N) > 0, "yes", "no")
    weights = np.random.default_rng(1).random(N) + 0.5
    near = DescentClassifier(tol=1e-19).fit(table, y, sample_weight=weights)
    far = DescentClassifier(tol=1e-19).fit(
        frame.from_pandas(table, npartitions=4), in_dask(y), sample_weight=in_dask(weights)
    )
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-6)
    np.testing.assert_array_equal(far.classes_, near.classes_)
    np.testing.assert_array_equal(far.feature_names_in_, near.feature_names_in_)


@pytest.mark.parametrize(
    "settings",
    [{}, {"loss": "squared_hinge"}, {"class_weight": "balanced"}, {"penalty": "l1"}],
    ids=["softmax", "one against the rest", "balanced", "L1"],
)
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_of_dask_arrays_are_those_of_memory(settings, classes):
    X, z = data()
    y = np.digitize(z + np.random.default_rng(0).logistic(size=N), [-1.0, 2.0][: classes - 1])
    near = DescentClassifier(tol=1e-17, alpha=1e-3, **settings).fit(X, y)
    far = DescentClassifier(tol=1e-17, alpha=1e-3, **settings).fit(in_dask(X), in_dask(y))
    ours, theirs = far.decision_function(X), near.decision_function(X)
    assert np.abs(ours - theirs).max() < 1e-6 * theirs.std()
    np.testing.assert_array_equal(far.classes_, near.classes_)
    assert far.reason_.converged
    assert far.diagnosis_.verdict == near.diagnosis_.verdict


@pytest.mark.parametrize(
    ("model", "spoil", "says"),
    [
        (DescentRegressor(), {"y": 2}, "one per row"),
        (DescentRegressor(batch_size=10), {}, "without a learning rate"),
        (DescentRegressor(loss="poisson"), {}, "0 or more"),
        (DescentRegressor(), {"nan": True}, "missing or infinite"),
        (DescentClassifier(), {"one": True}, "needs two or more"),
    ],
)
def test_what_a_cluster_cannot_do_is_said(model, spoil, says):
    X, y = data()
    if "nan" in spoil:
        X[7, 2] = np.nan
    y = (0.0 * y if "one" in spoil else np.round(y))[spoil.get("y", 0) :]
    with pytest.raises(DownslopeError, match=says):
        model.fit(in_dask(X), in_dask(y))


def write(folder):
    folder.mkdir()
    X, z = data()
    table = pyarrow.table({**{f"x{j}": X[:, j] for j in range(D)}, "c": ["a", "b"] * (N // 2)})
    y = np.where(z + np.random.default_rng(0).logistic(size=N) > 0, "yes", "no")
    table = table.append_column("y", pyarrow.array(y))
    for i in range(4):
        part = table.slice(i * N // 4, N // 4)
        pyarrow.parquet.write_table(part, folder / f"{i}.parquet", row_group_size=2000)
    return folder


@pytest.mark.parametrize("walk", [{}, {"batch_size": 100, "learning_rate": 0.1, "max_iter": 3}])
def test_files_on_a_cluster_answer_what_files_here_answer(walk, cluster, tmp_path):
    source, ask = write(tmp_path / "d"), Ask("y", **({"tol": 1e-19} | walk))
    near = fit_files(source, ask)
    heard = []
    where = cluster.scheduler_address
    far = fit_files(source, ask, cluster=where, tell=lambda *told: heard.append(told))
    assert far.data.n_learned == near.data.n_learned
    n = far.data.n_learned
    assert heard[:2] == [(what, 0, n) for what in ("reading on the workers", "training")]

    passes = sum(rows for what, rows, _ in heard if what == "training") / far.data.n_learned
    assert passes >= (3 if walk else far.passes / 2)
    assert far.score("accuracy") == pytest.approx(near.score("accuracy"), abs=0.01)
    if not walk:
        np.testing.assert_allclose(far.model().coefficients, near.model().coefficients, rtol=1e-6)


def test_a_worker_killed_in_a_pass_changes_nothing(cluster):
    X, z = data()
    y = np.where(z + np.random.default_rng(0).logistic(size=N) > 0, 1.0, -1.0)

    def read(i):
        yield Rows(X[i * 2000 : (i + 1) * 2000], y[i * 2000 : (i + 1) * 2000], None)

    from downslope.sources.dask import part_rows

    rows = part_rows(BlockRows(read, 10, N, D))
    whole = solve_stream(rows, LogLoss(), settings=Settings(tol=1e-14))
    before, steps = {w["pid"] for w in workers(cluster)}, []

    def kill_one(point):
        steps.append(point)
        if len(steps) == 2:
            os.kill(min(before), signal.SIGKILL)

    killed = solve_stream(rows, LogLoss(), settings=Settings(tol=1e-14, watch=kill_one))
    np.testing.assert_array_equal(killed.w, whole.w)
    for _ in range(100):
        if {w["pid"] for w in workers(cluster)} != before:
            break
        time.sleep(0.1)
    assert {w["pid"] for w in workers(cluster)} != before, "the worker was killed indeed"


@pytest.fixture
def two_parts(cluster):
    """Rows held by two workers, a part each."""
    from downslope.sources.dask import part_rows

    X, z = data()
    distributed.get_client().wait_for_workers(2)  # one may have been killed just before
    rows = part_rows(BlockRows(lambda i: iter([Rows(X[i::2], z[i::2], None)]), 2, N, D))
    assert len(set(rows.places)) == 2
    rows = rows.map(lambda block: block._replace(y=2.0 * block.y)).map(
        lambda block: block._replace(y=0.5 * block.y)
    )
    return rows, float(z.sum())


def test_rows_stay_with_their_worker_though_it_is_busy_and_another_is_not(two_parts):
    rows, total = two_parts
    client, parts = distributed.get_client(), distributed.futures_of(rows.parts)

    def slow(block):  # a sum that takes next to no time is not worth moving
        time.sleep(0.5)
        return float(block.y.sum())

    assert rows.total(slow) == pytest.approx(total)
    busy = client.submit(time.sleep, 4, workers=[rows.places[0]], pure=False)
    assert rows.total(slow) == pytest.approx(total)
    assert busy.done(), "the sum waited for its worker"
    assert sorted(map(len, client.who_has(parts).values())) == [1, 1], "no part was fetched"


def test_a_sum_does_not_wait_for_a_worker_that_is_lost_meanwhile(two_parts):
    rows, total = two_parts
    client, never = distributed.get_client(), distributed.Event()
    lost = client.run(os.getpid)[rows.places[0]]
    client.submit(never.wait, workers=[rows.places[0]], pure=False)  # for ever
    threading.Timer(1.0, os.kill, (lost, signal.SIGKILL)).start()
    assert rows.total(lambda block: float(block.y.sum())) == pytest.approx(total)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int32, bool])
def test_numbers_are_held_in_half_the_room_where_that_rounds_none(cluster, kind):
    from downslope.sources.dask import dask_rows, keep_on_workers

    X = np.asfortranarray((data()[0] * 3).astype(kind))
    rows = keep_on_workers(dask_rows(in_dask(X), in_dask(np.ones(N))))
    small, in_line, total = rows.total(
        lambda block: (
            int(block.X.dtype == np.float32),
            int(block.X.flags.c_contiguous),
            block.X.sum(axis=0, dtype=float),
        )
    )
    n_blocks = rows.total(lambda block: 1)
    assert (small, in_line) == (0 if kind is np.float64 else n_blocks, n_blocks)
    np.testing.assert_allclose(total, X.sum(axis=0, dtype=float), rtol=1e-12)


def workers(cluster):
    found = distributed.get_client().run(os.getpid)
    return [{"pid": pid} for pid in found.values()]


@pytest.mark.parametrize(
    ("address", "kind", "says"),
    [
        ("local:none", SettingError, "write local:2"),
        ("host", SettingError, "is no address"),
        ("tcp://127.0.0.1:1", InputError, "did not answer or was lost"),
    ],
)
def test_an_address_that_is_none_is_a_sentence(address, kind, says, tmp_path, monkeypatch):
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(kind, match=says),
    ):
        fit_files(write(tmp_path / "d"), Ask("y"), cluster=address)


SCRIPT = """
import os, signal, sys
from downslope.fitting.fit import Ask
from downslope.fitting.fit_files import fit_files

if __name__ == "__main__":
    points, told = [], []

    def interrupt(point):
        points.append(point)
        if len(points) == 2:
            told.append(len(passes))
            os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does: to the workers too

    passes = []
    tell = lambda what, rows, of: passes.append(what) if what == "training" else None
    ask = Ask("y", tol=1e-19)
    done = fit_files(sys.argv[1], ask, cluster="local:2", each_epoch=interrupt, tell=tell)
    print(done.reason.name, len(points), len(passes) - told[0])
"""


def test_control_c_keeps_the_best_so_far_and_workers_do_not_hear_of_it(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(write(tmp_path / "d"))]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""
    name, points, passes_after = done.stdout.split()
    assert (name, points) == ("interrupted", "2")
    assert int(passes_after) <= 1, "no further pass is begun"


def test_workers_that_cannot_start_are_a_sentence(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":', "if True:"))
    command = [sys.executable, str(script), str(write(tmp_path / "d"))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "InputError: 2 workers could not be started here" in done.stderr
    assert done.returncode == 1


def test_a_lost_scheduler_ends_in_a_sentence(tmp_path):
    options = {"threads_per_worker": 1, "dashboard_address": None, "processes": False}
    with distributed.LocalCluster(n_workers=1, **options) as one:

        def close(what, rows, of):
            one.close()

        with pytest.raises(InputError, match="was lost"):
            fit_files(write(tmp_path / "d"), Ask("y"), tell=close, cluster=one.scheduler_address)


def test_a_scheduler_lost_on_the_way_leaves_a_checkpoint_to_go_on_from(tmp_path):
    source, folder, ask = write(tmp_path / "d"), tmp_path / "kept", Ask("y", tol=1e-18)
    options = {"threads_per_worker": 1, "dashboard_address": None, "processes": False}
    points = []
    with distributed.LocalCluster(n_workers=1, **options) as one:

        def close(point):
            points.append(point)
            if len(points) == 3:
                one.close()

        with pytest.raises(InputError, match="go on with --resume"):
            fit_files(
                source,
                ask,
                each_epoch=close,
                cluster=one.scheduler_address,
                checkpoint=Checkpointing(folder, 0.0),
            )
    kept = sorted(path.name for path in folder.glob("pass-*.ckpt"))
    assert len(kept) >= 3
    # The passes that are kept serve a run without a cluster as well.
    resumed = fit_files(source, ask, checkpoint=Checkpointing(folder, 0.0, resume=True))
    np.testing.assert_allclose(
        resumed.model().coefficients, fit_files(source, ask).model().coefficients, rtol=1e-5
    )
    assert len(list(folder.glob("pass-*.ckpt"))) > len(kept)


def test_an_estimator_on_a_cluster_goes_on_from_its_checkpoint(tmp_path):
    X, z = data()
    kept = {"checkpoint": tmp_path / "kept", "every": 0.0, "tol": 1e-12}
    whole = DescentRegressor(**kept).fit(in_dask(X), in_dask(z))
    for path in sorted((tmp_path / "kept").glob("*.ckpt"))[2:]:
        path.unlink()
    again = DescentRegressor(resume=True, **kept).fit(in_dask(X), in_dask(z))
    np.testing.assert_array_equal(again.coef_, whole.coef_)
    with pytest.raises(DownslopeError, match="other data or other settings"):
        DescentRegressor(resume=True, **kept).fit(in_dask(X), in_dask(z + 1e-9 * X[:, 0]))
