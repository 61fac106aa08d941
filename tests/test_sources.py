"""The same rows from memory, files and Dask: the same sums, the same walks."""

import gzip
from itertools import pairwise

import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downslope.descend import run
from downslope.errors import InputError
from downslope.losses import LogLoss, SquaredError
from downslope.objective import Objective
from downslope.penalties import Penalty
from downslope.rates import Armijo
from downslope.rules import Plain
from downslope.scaling import standardize
from downslope.sources.arrow import arrow_rows, open_files
from downslope.sources.blocks import BlockRows, evenly
from downslope.sources.memory import MemoryRows, Rows
from downslope.stopping import MaxSteps

N, D = 1003, 4
COLUMNS = [f"x{j}" for j in range(D)]


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, D)) * [1, 10, 0.1, 1] + [0, 5, 100, 0]
    z = (X - X.mean(0)) / X.std(0) @ [1.0, -2.0, 0.5, 0.0]
    return X, np.where(z + rng.normal(size=N) > 0, 1.0, -1.0)


def encode(batch):
    table = [batch.column(name).to_numpy() for name in (*COLUMNS, "y")]
    return Rows(np.column_stack(table[:-1]), table[-1], None)


def write(folder, kind):
    X, y = data()
    table = pyarrow.table({**dict(zip(COLUMNS, X.T, strict=True)), "y": y})
    cuts = [0, 300, 301, 800, N]
    for i, (a, b) in enumerate(pairwise(cuts)):
        part, path = table.slice(a, b - a), folder / f"part-{i}.{kind}"
        if kind == "parquet":
            pyarrow.parquet.write_table(part, path, row_group_size=128)
        elif kind == "feather":
            pyarrow.feather.write_feather(part, path)
        else:
            pyarrow.csv.write_csv(part, path)


def blocks(sizes):
    X, y = data()
    edges = np.cumsum([0, *sizes])

    def read(i):
        yield Rows(X[edges[i] : edges[i + 1]], y[edges[i] : edges[i + 1]], None)

    return BlockRows(read, len(sizes), N, D)


def dask_source():
    array = pytest.importorskip("dask.array")
    from downslope.sources.dask import dask_rows

    X, y = data()
    return dask_rows(array.from_array(X, chunks=(100, 2)), array.from_array(y, chunks=333))


@pytest.fixture(params=["parquet", "feather", "csv", "blocks", "dask"])
def source(request, tmp_path):
    if request.param == "blocks":
        return blocks([500, 3, 500])
    if request.param == "dask":
        return dask_source()
    write(tmp_path, request.param)
    return arrow_rows(open_files(tmp_path), encode, [*COLUMNS, "y"], D)


def test_sizes_and_sums_are_those_of_memory(source):
    X, _ = data()
    assert (source.n_rows, source.n_features) == (N, D)
    total = source.total(lambda rows: (rows.X.sum(axis=0), rows.y @ rows.y))
    np.testing.assert_allclose(total[0], X.sum(axis=0), rtol=1e-12)
    assert total[1] == N


def test_the_walk_is_that_of_memory(source):
    X, y = data()
    problems = [Objective(rows, LogLoss(), Penalty(l2=0.01)) for rows in (source, MemoryRows(X, y))]
    w = np.linspace(-1.0, 1.0, D + 1)
    (value, slope), (expected, gradient) = (p.value_and_gradient(w) for p in problems)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(slope, gradient, rtol=1e-12, atol=1e-12 * abs(gradient).max())
    ends = [run(p, p.start(), Plain(), Armijo(), [MaxSteps(15)]) for p in problems]
    np.testing.assert_allclose(ends[0].w, ends[1].w, rtol=1e-8)
    np.testing.assert_allclose(ends[0].trace["value"], ends[1].trace["value"], rtol=1e-11)
    v = np.arange(D + 1.0)
    np.testing.assert_allclose(
        problems[0].curvature_product(ends[0].w, v),
        problems[1].curvature_product(ends[0].w, v),
        rtol=1e-9,
    )


def test_column_statistics_are_those_of_memory(source):
    X, y = data()
    ours, theirs = standardize(source), standardize(MemoryRows(X, y))
    np.testing.assert_allclose(ours.center, theirs.center, rtol=1e-12)
    np.testing.assert_allclose(ours.scale, theirs.scale, rtol=1e-10)


@pytest.mark.parametrize("size", [7, 64, 1000, None])
def test_an_epoch_shows_every_row_once_in_an_order_of_the_seed(source, size):
    X, _ = data()
    epochs = [
        np.concatenate([b.X[:, 0] for b in source.batches(size, seed, epoch)])
        for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))
    ]
    for epoch in epochs:
        np.testing.assert_array_equal(np.sort(epoch), np.sort(X[:, 0]))
    np.testing.assert_array_equal(epochs[0], epochs[1])
    assert (epochs[0] != epochs[2]).any()
    assert (epochs[0] != epochs[3]).any()


def test_a_sample_is_without_replacement_and_of_the_seed(source):
    X, _ = data()
    a, b, c = (source.sample(50, seed).X[:, 0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(a, b)
    assert len(set(a)) == 50
    assert set(a) <= set(X[:, 0])
    assert (np.sort(a) != np.sort(c)).any()
    np.testing.assert_array_equal(np.sort(source.sample(10**6, 0).X[:, 0]), np.sort(X[:, 0]))


@given(sizes=st.lists(st.integers(0, 400), min_size=1, max_size=6), size=st.integers(1, 300))
@settings(max_examples=25, deadline=None)
def test_batches_of_any_blocks_are_full_but_the_last(sizes, size):
    sizes = [*sizes, max(0, N - sum(sizes))]
    while sum(sizes) > N:
        sizes[int(np.argmax(sizes))] -= sum(sizes) - N if max(sizes) >= sum(sizes) - N else 1
    lengths = [len(b.y) for b in blocks(sizes).batches(size, 0, 0)]
    assert sum(lengths) == N
    assert all(n == size for n in lengths[:-1])


@pytest.mark.parametrize("size", [64, 250, N, 2 * N])
def test_blocks_are_cut_evenly_and_in_order(size):
    X, y = data()
    cut = list(evenly(blocks([400, 0, 1, 2, 600]).blocks(), size))
    assert [len(block.y) for block in cut] == [size] * (N // size) + [N % size] * (N % size > 0)
    assert [block.first for block in cut] == list(range(0, N, size))
    np.testing.assert_array_equal(np.concatenate([block.y for block in cut]), y)
    np.testing.assert_array_equal(np.concatenate([block.X for block in cut]), X)


def test_rows_are_mixed_within_a_buffer(monkeypatch):
    monkeypatch.setattr("downslope.sources.blocks.BUFFER_ROWS", 300)
    source = blocks([200, 200, 200, 403])
    seen = np.concatenate([batch.X for batch in source.batches(50, 0, 0)])
    X, _ = data()
    assert sorted(seen[:, 0]) == sorted(X[:, 0])
    again = np.concatenate([batch.X for batch in source.batches(50, 0, 0)])
    np.testing.assert_array_equal(seen, again)
    assert not np.array_equal(seen, X)


def test_hive_partitions_globs_lists_and_addresses(tmp_path):
    X, y = data()
    table = pyarrow.table({"x0": X[:, 0], "y": y, "year": np.arange(N) % 3})
    pyarrow.dataset.write_dataset(
        table,
        tmp_path / "hive",
        format="parquet",
        partitioning=["year"],
        partitioning_flavor="hive",
    )
    files = open_files(tmp_path / "hive")
    assert set(files.columns) == {"x0", "y", "year"}
    assert sum(b.num_rows for b in files.batches(["year"])) == N
    write(tmp_path, "csv")
    paths = sorted(tmp_path.glob("*.csv"))
    (tmp_path / "half").mkdir()
    for path in paths[:2]:
        path.rename(tmp_path / "half" / path.name)
    split = [tmp_path / "half", *paths[2:]]  # a folder in a list stands for its files
    assert sum(b.num_rows for b in open_files(split).batches()) == N
    for path in paths[:2]:
        (tmp_path / "half" / path.name).rename(path)
    for given_as in (str(tmp_path / "part-*.csv"), paths, f"file://{tmp_path}/part-*.csv"):
        assert sum(b.num_rows for b in open_files(given_as).batches()) == N


def test_input_that_changes_while_it_is_read_is_noticed(tmp_path):
    write(tmp_path, "csv")
    source = arrow_rows(open_files(tmp_path), encode, [*COLUMNS, "y"], D)
    last = tmp_path / "part-3.csv"
    last.write_text("".join(last.read_text().splitlines(keepends=True)[:-5]))
    with pytest.raises(InputError, match="1,003 rows when it was opened and 998 in this pass"):
        source.total(lambda rows: rows.y.sum())
    last.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        source.total(lambda rows: rows.y.sum())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda p: p / "absent", "matches no file"),
        (lambda p: str(p / "*.parquet"), "matches no file"),
        (lambda p: "gopher://somewhere/x", "not an address"),
        (lambda p: p, "one ending of"),
        (lambda p: [p / "a.txt", p / "absent.csv"], r"There is no .*absent\.csv"),
        (lambda p: ["file:///a.csv", "file:///b.csv"], "an address in a list of 2"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(tmp_path, make, said):
    (tmp_path / "a.txt").write_text("x")
    (tmp_path / "b.gz").write_bytes(gzip.compress(b"x"))
    with pytest.raises(InputError, match=said):
        open_files(make(tmp_path))


def test_a_broken_file_is_a_sentence(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(InputError, match=r"a\.parquet"):
        list(open_files(tmp_path / "a.parquet").batches())


def test_least_squares_from_files_is_that_of_numpy(tmp_path):
    write(tmp_path, "parquet")
    X, y = data()
    source = arrow_rows(open_files(tmp_path), encode, [*COLUMNS, "y"], D)
    scaling = standardize(source)
    scaled = BlockRows(
        lambda i: (Rows(scaling.apply(b.X), b.y, b.weights) for b in source.read(i)),
        source.n_parts,
        N,
        D,
    )
    problem = Objective(scaled, SquaredError())
    w = scaling.to_user(run(problem, np.zeros(D + 1), Plain(), Armijo(), [MaxSteps(40)]).w)
    theirs = np.linalg.lstsq(np.column_stack([X, np.ones(N)]), y, rcond=None)[0]
    np.testing.assert_allclose(w, theirs, rtol=1e-6, atol=1e-9)
