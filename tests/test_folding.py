"""Sketches that travel: triangles with the products of a table, to all its digits."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from downslope.bowl.folding import Table, bands_for, triangle
from downslope.bowl.smooth import Settings
from downslope.bowl.solve import solve
from downslope.bowl.solve_stream import BlockPasses, StreamPasses, solve_stream
from downslope.losses import LogLoss, SquaredError
from downslope.sources.blocks import BlockRows
from downslope.sources.memory import MemoryRows, Rows

RNG = np.random.default_rng(0)
TABLES = {
    "plain": RNG.normal(size=(200, 5)),
    "scaled": RNG.normal(size=(200, 5)) * np.logspace(-150, 150, 5),
    "a column of zeros": RNG.normal(size=(200, 5)) * [1, 1, 0, 1, 1],
    "dependent columns": RNG.normal(size=(200, 2)) @ RNG.normal(size=(2, 5)),
    "columns nearly the same": np.repeat(RNG.normal(size=(200, 1)), 5, axis=1)
    + 1e-10 * RNG.normal(size=(200, 5)),
    "all zeros": np.zeros((20, 5)),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_triangle_is_small_and_has_the_products_of_its_table(name):
    table = TABLES[name]
    small = triangle(table)
    assert small.shape[0] <= 5
    lengths = np.sqrt((table**2).sum(axis=0))
    lengths[lengths == 0] = 1.0
    ours, theirs = small / lengths, table / lengths
    np.testing.assert_allclose(ours.T @ ours, theirs.T @ theirs, atol=1e-13)


def test_directions_that_products_cannot_see_are_in_the_triangle():
    table = TABLES["columns nearly the same"]
    ours, theirs = (np.linalg.svd(a, compute_uv=False) for a in (triangle(table), table))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    roots = np.sqrt(np.abs(np.linalg.eigvalsh(table.T @ table)))
    assert not np.allclose(np.sort(roots), np.sort(theirs), rtol=1e-5), "so products are no test"


def test_numbers_that_are_not_finite_stay_so():
    table = TABLES["plain"].copy()
    table[3, 2] = np.nan
    assert not np.isfinite(triangle(table)).all()


def test_triangles_of_many_places_become_one():
    parts = [RNG.normal(size=(30, 4)) for _ in range(40)]
    whole = Table(parts[0]).folded()
    for part in parts[1:]:
        whole = whole + Table(part).folded()
    every = np.vstack(parts)
    rows = whole.whole()
    np.testing.assert_allclose(rows.T @ rows, every.T @ every, rtol=1e-12)
    assert len(rows) <= 9 * 4


def test_bands_are_folded_one_after_the_other():
    blocks = [(band, RNG.normal(size=(30, 4))) for band in (0, 0, 0, 1, 2, 2)]
    whole, largest = Table(blocks[0][1]), 0
    for band, rows in blocks[1:]:
        whole = whole + Table(rows, band)
        largest = max(largest, len(whole.rows))
    sums = [sum(rows for b, rows in blocks if b == band) for band in range(3)]
    rows = whole.whole()
    np.testing.assert_allclose(rows.T @ rows, sum(a.T @ a for a in sums), rtol=1e-12)
    assert largest == 30


@pytest.mark.parametrize("kind", ["blocks", "one block"])
def test_a_sketch_in_bands_has_all_its_buckets(kind):
    X = RNG.normal(size=(60_000, 60))
    y = X[:, 0] + RNG.normal(size=60_000)
    rows = BlockRows(lambda i: iter([Rows(X[i::4], y[i::4], None)]), 4, 60_000, 60)
    if kind == "one block":
        rows = MemoryRows(X, y)
    passes = StreamPasses(rows, BlockPasses(SquaredError(), True, np.zeros(60)))
    assert bands_for(20_000, 62, 1) > 4
    whole = passes.sketch(np.zeros(61), 20_000, np.zeros(60), 0.0, 1).table
    assert (len(whole) < 1000) == (kind == "blocks"), "one block is folded where it travels only"
    # The noise of 20,000 buckets of three rows each, neither more nor less.
    off = (whole.T @ whole)[:60, :60] / 60_000 - X.T @ X / 60_000
    assert np.sqrt(np.mean(off**2)) == pytest.approx(np.sqrt(1 / 20_000 - 1 / 60_000), rel=0.1)


class Places(MemoryRows):
    """Rows in three places, from each of which a packed sum travels."""

    @property
    def n_places(self):
        return 3

    def total(self, fn, pack=lambda sums: sums):
        cuts = [0, 1000, 2500, self.n_rows]
        sums = []
        for a, b in pairwise(cuts):
            sums.append(pack(fn(self.take(slice(a, b))._replace(first=a))))
            self.sent.append(len(pickle.dumps(sums[-1])))
        return tuple(sum(part[1:], part[0]) for part in zip(*sums, strict=True))


def places(X, y):
    rows = Places(X, y)
    object.__setattr__(rows, "sent", [])
    return rows


def test_what_travels_is_a_triangle_and_not_a_table():
    X = RNG.normal(size=(4000, 6))
    rows = places(X, np.sign(X[:, 0] + RNG.normal(size=4000)))
    passes = StreamPasses(rows, BlockPasses(LogLoss(), True, np.zeros(6)))
    sketch = passes.sketch(np.zeros(7), 900, np.zeros(6), 0.0, 1)
    assert sketch.table.shape == (3 * 8, 8)
    assert max(rows.sent) < 8 * 8 * 8 + 1000
    # An unbiased estimate of a Hessian that is known: a quarter of the products of the rows.
    ones = np.column_stack([X, np.ones(4000)])
    off = (sketch.table.T @ sketch.table)[:7, :7] / 1000 - ones.T @ ones / 4000
    assert np.abs(off).max() < 5 / np.sqrt(900)


def test_columns_nearly_the_same_have_the_weights_of_memory():
    X = RNG.normal(size=(20_000, 3))
    X[:, 2] = X[:, 1] + 1e-6 * RNG.normal(size=20_000)
    y = X[:, 0] + 1e6 * (X[:, 2] - X[:, 1])
    settings = Settings(tol=1e-12)
    far = solve_stream(places(X, y), SquaredError(), settings=settings)
    near = solve(X, y, SquaredError(), settings=settings)
    np.testing.assert_allclose(far.w[:3], near.w[:3], rtol=1e-4)
    assert far.w[2] == pytest.approx(1e6, rel=1e-4)


def test_a_walk_draws_from_its_source_once():
    X = RNG.normal(size=(30_000, 4))
    y, drawn = np.sign(X[:, 0] + RNG.normal(size=30_000)), []

    class Counted(MemoryRows):
        def sample(self, k, seed):
            drawn.append(k)
            return super().sample(k, seed)

    solve_stream(Counted(X, y), LogLoss())
    assert len(drawn) == 1
    assert drawn[0] < 10_000
    assert isinstance(Counted(X, y).sample(3, 0), Rows)
