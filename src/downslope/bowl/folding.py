"""Tables of a sketch in bands, each folded to a triangle with the same products once it is full.

Only ``table' table`` is ever asked of a table, and R' R is the same for R of its QR factors. Bands
are filled by different rows, so their products add up: a table is never in memory as a whole, and
what leaves a worker is a triangle. Tables of one band add up; triangles are put below each other.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from downslope.bowl.metric import cholesky, products
from downslope.kernels.team import one_thread_per_product

Array = Any
SAFE_CHOLESKY = 1e-3
"""Smallest diagonal of a triangle, columns scaled to length 1, up to which products of the columns
keep ten digits of every direction; else the table itself is factored, which takes four times as
long."""
MOST_TRIANGLES = 8
"""Below each other; more become one."""
BAND_BYTES = 2 * 2**20
"""Of a band: every block of rows fills one from zero, which costs little while it is in the cache.
"""
FOLDED = -1


def bands_for(buckets: int, columns: int, places: int) -> int:
    """Bands of a table: as many as places, and none larger than the cache or a few triangles.

    >>> bands_for(3000, 50, 1), bands_for(3000, 50, 2), bands_for(32_000, 502, 1)
    (1, 2, 32)
    """
    most = max(BAND_BYTES // (8 * columns), 2 * columns)
    return max(places, -(-buckets // most))


@dataclass(frozen=True)
class Table:
    """A band of a sketch that is being filled, and what became of others.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> one, two = (rng.normal(size=(100, 3)) for _ in range(2))
    >>> both = (Table(one, band=0) + Table(two, band=1)).folded()
    >>> rows = both.whole()
    >>> rows.shape, bool(np.allclose(rows.T @ rows, one.T @ one + two.T @ two))
    ((6, 3), True)
    >>> bool(np.allclose((Table(one) + Table(two)).whole(), one + two))
    True
    """

    rows: Array
    band: int = 0
    triangles: Array = field(default_factory=lambda: np.zeros((0, 0)))

    def __add__(self, other: "Table") -> "Table":
        triangles = _below(self.triangles, other.triangles)
        if (self.band, len(self.rows)) == (other.band, len(other.rows)):
            return Table(self.rows + other.rows, self.band, triangles)
        return Table(other.rows, other.band, _below(triangles, triangle(self.rows)))

    def folded(self) -> "Table":
        """With no band to be filled: what travels."""
        return Table(self.rows[:0], FOLDED, _below(self.triangles, triangle(self.rows)))

    def whole(self) -> Array:
        """Rows whose products are those of all bands."""
        return _below(self.triangles, self.rows)


def _below(first: Array, second: Array) -> Array:
    """Rows of both, as few as have their products where they are many triangles."""
    if not (len(first) and len(second)):
        return first if len(first) else second
    both = np.vstack((first, second))
    return triangle(both) if len(both) > MOST_TRIANGLES * both.shape[1] else both


def triangle(table: Array) -> Array:
    """R with as many rows as columns that are not zero, and the products of the table."""
    if len(table) <= table.shape[1]:
        return table
    with one_thread_per_product():
        gram = products(table)
        lengths = np.sqrt(np.diag(gram))
        alive = lengths != 0.0  # what is no number stays
        scale = lengths[alive]
        root = cholesky(gram[np.ix_(alive, alive)] / scale / scale[:, None], SAFE_CHOLESKY)
        if root is None:
            return np.linalg.qr(table, mode="r")
    found = np.zeros((len(scale), len(lengths)))
    found[:, alive] = root[0] * scale
    return found
