"""Arrays as kernels want them: read-only, so that one compiled kernel serves all of a type."""

from typing import Any

import numpy as np

Array = Any


def read_only(array: Array) -> Array:
    """A view that nobody writes to."""
    view = array.view()
    view.setflags(write=False)
    return view


def unsigned(X: Any) -> tuple[Array, Array, Array]:
    """Data, column indices and row ends of a CSR matrix; unsigned, which halves the time."""
    indices = X.indices.view(f"u{X.indices.itemsize}")
    return read_only(X.data), read_only(indices), read_only(X.indptr.astype(np.uint64))
