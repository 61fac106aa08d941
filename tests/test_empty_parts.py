"""Parts without rows, wherever they lie: a filtered frame, a day without sales, an empty file."""

from itertools import pairwise

import numpy as np
import pandas
import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from downslope import NetworkRegressor
from downslope.errors import InputError
from downslope.estimators import DescentClassifier, DescentRegressor
from downslope.fitting.fit import Ask, fit, prepare
from downslope.fitting.fit_files import fit_files
from downslope.tables import read_table

dask_array = pytest.importorskip("dask.array")
dask_frame = pytest.importorskip("dask.dataframe")
pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own, of its own
N = 2000
CUTS = {
    "full": [0, 500, 900, N],  # where parts end: an empty part wherever two are the same
    "first": [0, 0, 700, N],
    "middle": [0, 700, 700, N],
    "last": [0, 700, N, N],
    "several": [0, 0, 0, 500, 500, 900, 900, 900, N, N],
    "all but one": [0, 0, 0, N, N],
}
MODELS = {
    "squared": DescentRegressor(),
    "ridge": DescentRegressor(alpha=0.1),
    "L1": DescentRegressor(penalty="l1", alpha=0.05),
    "absolute": DescentRegressor(loss="absolute_error"),
    "quantile": DescentRegressor(loss="quantile"),
    "huber": DescentRegressor(loss="huber"),
    "poisson": DescentRegressor(loss="poisson"),
    "log loss": DescentClassifier(),
    "hinge": DescentClassifier(loss="hinge", alpha=0.01),
    "three classes": DescentClassifier(alpha=0.001),
    "balanced": DescentClassifier(class_weight="balanced"),
}


def table(model="squared"):
    rng = np.random.default_rng(5)
    rows = pandas.DataFrame({"a": rng.normal(size=N), "b": rng.normal(3.0, 5.0, size=N)})
    z = 0.2 * rows.a + 0.1 * rows.b + 0.3 * rng.logistic(size=N)
    if model == "three classes":
        y = np.digitize(z, [0.0, 0.7])
    elif isinstance(MODELS[model], DescentClassifier):
        y = (z > 0.3).astype(int)
    else:
        y = np.floor(np.exp(z)) if model == "poisson" else z
    return rows.assign(y=y)


def in_parts(rows, where):
    """A Dask frame of those partitions, empty ones as a filter leaves them."""
    parts = [rows.iloc[a:b] for a, b in pairwise(CUTS[where])]
    return dask_frame.from_map(lambda part: part, parts, meta=rows.iloc[:0])


def fitted(model, X, y, **more):
    return model.__class__(**model.get_params() | {"tol": 1e-17, "random_state": 0}).fit(
        X, y, **more
    )


def same(far, near):
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(far.intercept_, near.intercept_, rtol=1e-6, atol=1e-6)
    assert far.reason_.converged


CASES = [("squared", where) for where in CUTS] + [(model, "several") for model in MODELS]


@pytest.mark.parametrize(("model", "where"), dict.fromkeys(CASES))
def test_a_frame_with_empty_partitions_is_that_of_memory(model, where):
    rows = table(model)
    frame = in_parts(rows, where)
    far = fitted(MODELS[model], frame[["a", "b"]], frame.y)
    same(far, fitted(MODELS[model], rows[["a", "b"]], rows.y))


@pytest.mark.parametrize("where", CUTS)
def test_an_array_with_empty_chunks_and_weights_is_that_of_memory(where):
    rows = table()
    frame = in_parts(rows, where)
    X, y = frame[["a", "b"]].to_dask_array(), frame.y.to_dask_array()
    weights = np.random.default_rng(1).random(N) + 0.5
    far = fitted(DescentRegressor(), X, y, sample_weight=dask_array.from_array(weights, 300))
    near = fitted(DescentRegressor(), rows[["a", "b"]].to_numpy(), rows.y, sample_weight=weights)
    same(far, near)


def test_targets_may_have_empty_partitions_elsewhere():
    rows = table()
    X, y = in_parts(rows, "first")[["a", "b"]], in_parts(rows, "several").y
    same(fitted(DescentRegressor(), X, y), fitted(DescentRegressor(), rows[["a", "b"]], rows.y))


def test_a_network_learns_from_a_frame_as_if_no_partition_were_empty():
    rows = table()
    frame, full = in_parts(rows, "several"), in_parts(rows, "full")
    ours, theirs = (
        NetworkRegressor(max_iter=5, random_state=0).fit(each[["a", "b"]], each.y)
        for each in (frame, full)
    )
    np.testing.assert_allclose(ours.predict(rows[["a", "b"]]), theirs.predict(rows[["a", "b"]]))


def test_a_frame_without_a_row_is_a_sentence():
    frame = in_parts(table().iloc[:0], "several")
    with pytest.raises(InputError, match="X has 0 rows: all of its 9 blocks are empty"):
        DescentRegressor().fit(frame[["a", "b"]], frame.y)


def parquet(part, path):
    pyarrow.parquet.write_table(pyarrow.Table.from_pandas(part, preserve_index=False), path)


def row_groups(part, path):
    """A file whose row groups are empty at both ends."""
    rows = pyarrow.Table.from_pandas(part, preserve_index=False)
    with pyarrow.parquet.ParquetWriter(path, rows.schema) as file:
        for group in (rows.slice(0, 0), rows.slice(0, 300), rows.slice(0, 0), rows.slice(300)):
            file.write_table(group)


def arrow(part, path):
    rows = pyarrow.Table.from_pandas(part, preserve_index=False)
    with pyarrow.ipc.new_file(path, rows.schema) as file:
        for batch in (rows.slice(0, 0), rows.slice(0, 300), rows.slice(0, 0), rows.slice(300)):
            file.write_batch(batch.combine_chunks().to_batches()[0] if len(batch) else empty(rows))


def empty(rows):
    return pyarrow.RecordBatch.from_pylist([], schema=rows.schema)


def header(part, path):
    part.to_csv(path, index=False)


KINDS = {
    "parquet": (parquet, "parquet"),
    "row groups": (row_groups, "parquet"),
    "arrow": (arrow, "arrow"),
    "header only": (header, "csv"),
}


def folder(path, rows, kind, where):
    write, ending = KINDS[kind]
    path.mkdir()
    for i, (a, b) in enumerate(pairwise(CUTS[where])):
        write(rows.iloc[a:b], path / f"{i}.{ending}")
    return path


@pytest.mark.parametrize("where", CUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_files_without_rows_change_nothing(kind, where, tmp_path):
    rows, ask = table(), Ask("y", tol=1e-17, test_size=0.0)
    ours = fit_files(folder(tmp_path / "some", rows, kind, where), ask)
    theirs = fit_files(folder(tmp_path / "one", rows, "parquet", "full"), ask)
    assert ours.data.n_learned == theirs.data.n_learned == N
    np.testing.assert_allclose(ours.model().coefficients, theirs.model().coefficients, rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_batches_of_files_pass_over_those_without_rows(kind, tmp_path):
    rows = table()
    ask = Ask("y", batch_size=50, learning_rate=0.02, max_iter=20, test_size=0.2)
    ours = fit_files(folder(tmp_path / "some", rows, kind, "several"), ask)
    theirs = fit_files(folder(tmp_path / "one", rows, "parquet", "full"), ask)
    assert ours.score("R²") == pytest.approx(theirs.score("R²"), abs=0.02)


def test_files_without_any_row_are_a_sentence(tmp_path):
    where = folder(tmp_path / "none", table().iloc[:0], "row groups", "several")
    with pytest.raises(InputError, match="none has 0 data rows"):
        fit_files(where, Ask("y"))


@pytest.mark.parametrize("stream", [False, True])
def test_empty_chunks_of_an_arrow_table_change_nothing(stream):
    rows = pyarrow.Table.from_pandas(table(), preserve_index=False)
    cuts = pairwise(CUTS["several"])
    pieces = pyarrow.concat_tables([rows.slice(a, b - a) for a, b in cuts])
    batches = [piece for batch in pieces.to_batches() for piece in (empty(rows), batch)]
    chunked = pyarrow.Table.from_batches([*batches, empty(rows)])
    given = chunked.to_reader() if stream else chunked
    ours, theirs = (fit(prepare(read_table(each), Ask("y"))) for each in (given, rows))
    np.testing.assert_array_equal(ours.coefficients, theirs.coefficients)
