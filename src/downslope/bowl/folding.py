"""Tables of a sketch that travel: as a triangle with the same products, a tenth of their size.

Only ``table' table`` is ever asked of a table, and R' R is the same for R of its QR factors. Tables
of the same rows add up; triangles of different rows are put below each other, since products add
up.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.bowl.metric import cholesky, products

Array = Any
SAFE_CHOLESKY = 1e-3
"""Smallest diagonal of a triangle, columns scaled to length 1, up to which products of the columns
keep ten digits of every direction; else the table itself is factored, which takes four times as
long."""
MOST_TRIANGLES = 8
"""Below each other; more become one."""


@dataclass(frozen=True)
class Table:
    """Rows of a sketch, or what they are folded to.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> one, two = (rng.normal(size=(100, 3)) for _ in range(2))
    >>> both = Table(one).folded() + Table(two).folded()
    >>> both.rows.shape, bool(np.allclose(both.rows.T @ both.rows, one.T @ one + two.T @ two))
    ((6, 3), True)
    >>> bool(np.allclose((Table(one) + Table(two)).rows, one + two))
    True
    """

    rows: Array
    is_folded: bool = False

    def __add__(self, other: "Table") -> "Table":
        if not self.is_folded:
            return replace(self, rows=self.rows + other.rows)
        both = np.vstack((self.rows, other.rows))
        many = len(both) > MOST_TRIANGLES * both.shape[1]
        return Table(triangle(both) if many else both, is_folded=True)

    def folded(self) -> "Table":
        """For sums with other rows, elsewhere."""
        rows, columns = self.rows.shape
        return Table(triangle(self.rows) if rows > columns else self.rows, is_folded=True)


def triangle(table: Array) -> Array:
    """R with as many rows as columns that are not zero, and the products of the table."""
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
