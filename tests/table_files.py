"""Helpers for tests that write a table and read it back, or are refused."""

import pytest

from downslope.errors import DownslopeError


def written(folder, text, name="t.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def cells(table):
    """The words of every column, as a person would compare them."""
    return {name: [c.strip() for c in col.to_pylist()] for name, col in table.columns.items()}


def refusal(call, *arguments, **options):
    """The one sentence with which a call is refused."""
    with pytest.raises(DownslopeError) as caught:
        call(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message
