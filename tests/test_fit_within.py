"""A fit that stops reading when it is near enough: the bound holds, on sorted files too."""

import io
import itertools

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from downslope import clock
from downslope.bowl.held_out import height_above
from downslope.bowl.solve import solve
from downslope.bowl.solve_stream import BlockPasses
from downslope.cli import run as downslope
from downslope.errors import PairError, SettingError
from downslope.fitting.fit import Ask
from downslope.fitting.fit_files import fit_files
from downslope.fitting.fit_within import fit_within
from downslope.losses import make_loss
from downslope.sources.arrow import open_files
from downslope.sources.memory import Rows
from downslope.sources.scattered import Piece, between, pieces, read_piece

N = 40_000


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Pieces and first samples as small beside these files as usual ones beside large files."""
    monkeypatch.setattr("downslope.fitting.fit_within.PIECE_BYTES", 4096)
    monkeypatch.setattr("downslope.fitting.fit_within.FIRST_ROWS", 1000)


def columns(kind="log_loss", seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, 3)) * [1.0, 100.0, 0.01]
    z = X @ [1.0, -0.01, 50.0] + 0.5
    if kind == "log_loss":
        y = np.where(z + rng.logistic(size=N) > 0, 1, -1)
    elif kind == "multinomial":
        y = (z[:, None] * [0.0, 1.0, -1.0] + rng.gumbel(size=(N, 3))).argmax(axis=1)
    elif kind == "poisson":
        y = rng.poisson(np.exp(np.minimum(0.4 * z, 4.0)))
    else:
        y = z + rng.normal(size=N)
    return X, y


def write(folder, X, y, kind="csv"):
    table = pa.table({f"x{j}": X[:, j] for j in range(X.shape[1])} | {"y": y})
    if kind == "csv":
        pa.csv.write_csv(table, folder / "rows.csv")
        return folder / "rows.csv"
    pa.parquet.write_table(table, folder / "rows.parquet", row_group_size=N // 100)
    return folder / "rows.parquet"


def gap(done, X, y, loss):
    """How far the model's mean loss over all rows is above the lowest, by SciPy."""
    loss, W = make_loss(loss), np.c_[done.model().coefficients, done.model().intercepts]

    def mean(W):
        z = X @ W[:, :-1].T + W[:, -1]
        return float(np.mean(loss.value(z if len(W) > 1 else z[:, 0], y)))

    scale = np.append(X.std(axis=0), 1.0)
    found = minimize(lambda v: mean(v.reshape(W.shape) / scale), (W * scale).ravel())
    return mean(W) - found.fun


@given(st.lists(st.integers(0, 999), min_size=1, max_size=60), st.integers(1, 40), st.booleans())
def test_all_pieces_together_hold_every_line_once(numbers, size, closed):
    text = "x\n" + "\n".join(map(str, numbers)) + "\n" * closed
    data, found = io.BytesIO(text.encode()), []
    for start in range(0, len(text), size):
        piece = Piece(None, start, min(start + size, len(text)))
        first, *rest = between(data, piece).read().decode().split("\n")
        assert first == "x"
        found += [int(cell) for cell in rest if cell]
    assert found == numbers


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_pieces_of_files_are_their_rows_in_another_order(tmp_path, kind):
    X, y = columns("squares")
    files = open_files(write(tmp_path, X, y, kind))
    order = pieces(files, 1, 5000)
    assert len(order) >= 100
    assert order != pieces(files, 2, 5000)
    batches = [batch for piece in order for batch in read_piece(files, piece, ["y"])]
    found = np.concatenate([batch.column("y").to_numpy() for batch in batches])
    assert (found != y).any()
    np.testing.assert_array_equal(np.sort(found), np.sort(y))


@pytest.mark.parametrize("loss", ["log_loss", "squared_error", "poisson"])
def test_the_bound_holds_nineteen_times_of_twenty(loss):
    """And is not far above the height: no more than twenty times, on the median."""
    X, y = columns("poisson" if loss == "poisson" else "log_loss")
    X = X * [1.0, 0.01, 100.0]
    loss, ridge = make_loss(loss), np.zeros(4)
    lowest = solve(X, y, loss).value
    passes = BlockPasses(loss, True, np.zeros(3))
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        few = rng.choice(N, 2000, replace=False)
        w = solve(X[few[:1000]], y[few[:1000]], loss).w
        blocks = [Rows(X[part], y[part], None) for part in np.split(few[1000:], 20)]
        height = float(np.mean(loss.value(X @ w[:-1] + w[-1], y))) - lowest
        found.append(height_above(w, blocks, passes, ridge).bound / height)
    assert np.mean(np.array(found) >= 1.0) >= 0.95
    assert np.median(found) < 20.0


@pytest.mark.parametrize("order", ["mixed", "by target", "by a column"])
@pytest.mark.parametrize("kind", ["log_loss", "multinomial", "squared_error", "poisson"])
def test_few_rows_are_near_enough_however_the_file_is_sorted(tmp_path, kind, order):
    X, y = columns(kind)
    by = {"mixed": np.arange(N), "by target": np.argsort(y), "by a column": np.argsort(X[:, 0])}
    X, y = X[by[order]], y[by[order]]
    loss = "log_loss" if kind == "multinomial" else kind
    within = 0.05 if order != "mixed" else 0.02
    ask = Ask("y", loss=loss, alpha=0.0, test_size=0.0)
    done = fit_within(write(tmp_path, X, y), ask, within)
    assert gap(done, X, y, kind) <= min(max(done.bound, 1e-9), within)  # SciPy errs too
    if order == "mixed":
        assert done.data.n_learned + done.data.n_aside < N / 2
        assert "was asked for" in done.reason.sentence


@pytest.mark.parametrize("within", [1e-9, 1.0])
def test_where_few_rows_would_not_do_all_are_read(tmp_path, monkeypatch, within):
    """Too near, or files of too few pieces."""
    if within == 1.0:
        monkeypatch.setattr("downslope.fitting.fit_within.PIECE_BYTES", 2**20)
    done = fit_within(write(tmp_path, *columns()), Ask("y"), within)
    assert done.data.n_learned + done.data.n_aside == N


def test_a_near_miss_draws_the_rest_and_reads_nothing_twice(tmp_path, monkeypatch):
    source, drawn = write(tmp_path, *columns()), []
    whole = fit_files(source, Ask("y", test_size=0.0))

    def counted(files, piece, names):
        drawn.append(piece)
        return read_piece(files, piece, names)

    monkeypatch.setattr("downslope.fitting.fit_within.MOST_OF_FEW", 0.3)
    monkeypatch.setattr("downslope.fitting.fit_within.SUNK", 0.02)
    monkeypatch.setattr("downslope.fitting.fit_within.read_piece", counted)
    done = fit_within(source, Ask("y", test_size=0.0), 1e-3)
    assert len(drawn) == len(set(drawn)) > 100
    assert done.data.n_learned == N
    assert done.bound < 1e-4
    assert done.value - whole.value <= done.bound
    np.testing.assert_allclose(done.model().coefficients, whole.model().coefficients, rtol=1e-2)
    kept = fit_within(source, Ask("y", test_size=0.25), 1e-3)
    assert kept.data.n_learned + kept.data.n_aside == N
    assert kept.data.n_aside == pytest.approx(N / 4, rel=0.05)


def test_the_same_seed_reads_the_same_rows(tmp_path):
    source = write(tmp_path, *columns(), "parquet")
    one, two, other = (fit_within(source, Ask("y", seed=seed), 0.03) for seed in (1, 1, 2))
    assert one.model().coefficients.tolist() == two.model().coefficients.tolist()
    assert one.model().coefficients.tolist() != other.model().coefficients.tolist()
    assert one.scores == two.scores


def test_what_tells_no_bound_is_refused(tmp_path):
    source = write(tmp_path, *columns())
    with pytest.raises(PairError, match="'hinge', whose slope jumps"):
        fit_within(source, Ask("y", loss="hinge"), 0.1)
    with pytest.raises(PairError, match="penalty='l1'"):
        fit_within(source, Ask("y", penalty="l1", alpha=0.1), 0.1)
    with pytest.raises(SettingError, match=r"within=0\.0 is no height"):
        fit_within(source, Ask("y"), 0.0)


def test_from_the_command_line(tmp_path, capsys):
    fit = ["fit", str(write(tmp_path, *columns())), "-t", "y", "--within", "0.03"]
    assert downslope(fit) == 0
    assert "0.03 was asked for" in " ".join(capsys.readouterr().out.split())
    for words in (["--cluster", "local:2"], ["--checkpoint", str(tmp_path / "kept")]):
        assert downslope([*fit, *words]) == 2
        assert f"for which {words[0]} is not meant" in capsys.readouterr().err


def test_the_budget_of_time_ends_the_reading(tmp_path, monkeypatch):
    X, y = columns()
    path = write(tmp_path, X, y)
    looks = itertools.count()
    monkeypatch.setattr(clock.time, "perf_counter", lambda: 20.0 * next(looks))
    done = fit_within(path, Ask("y", loss="log_loss", max_seconds=10.0), within=1e-9)
    assert done.reason.name == "max_seconds"
    assert not done.reason.converged
    assert done.data.n_learned < N
    assert np.isfinite(done.model().coefficients).all()
