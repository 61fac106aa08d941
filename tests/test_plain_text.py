"""CSV of plain numbers: our parser gives Arrow's bits, and leaves the rest to Arrow."""

import io
import random
import struct

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from downslope.errors import InputError
from downslope.kernels.text import parse_lines
from downslope.sources.arrow import NULLS, open_files
from downslope.sources.plain_text import plain_blocks, whole_lines

DOUBLES = st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0])
WRITTEN = st.one_of(
    st.floats(-1e6, 1e6).map(repr),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: str(np.float32(x))),
    DOUBLES.filter(np.isfinite).map(repr),
    st.integers(-(10**19), 10**19).map(str),
    st.from_regex(r"-?[0-9]{0,12}\.?[0-9]{0,12}([eE][-+]?[0-9]{1,3})?", fullmatch=True),
)


def parsed(text: str, n_cells: int = 2) -> tuple[bool, list[list[float]]]:
    out = np.empty((n_cells, text.count("\n")))
    lines = np.frombuffer(text.encode(), np.uint8)
    n, plain = parse_lines(lines, 0, len(lines), ord(","), np.arange(n_cells), out)
    return plain, out[:, :n].T.tolist()


@settings(deadline=None, max_examples=1000)
@given(WRITTEN, WRITTEN)
@example("9007199254740993", "9007199254740992.5")  # half-way between two floats
@example("0.30000000000000004", "-0")
@example("1e22", "123456789012345678e-22")
def test_a_number_is_the_float_nearest_to_what_is_written(a, b):
    plain, rows = parsed(f"{a},{b}\n")
    if plain:
        expected = [float(cell) if cell else np.nan for cell in (a, b)]
        np.testing.assert_array_equal(rows, [expected])
        assert np.signbit(rows).tolist() == [[cell.startswith("-") for cell in (a, b)]]


@pytest.mark.parametrize("digits", range(1, 20))
def test_numbers_of_up_to_nineteen_digits_are_plain(digits):
    """All but those that lie half-way between two floats, which Arrow decides."""
    rng = random.Random(digits)
    cells = [str(rng.randrange(10 ** (digits - 1), 10**digits)) for _ in range(200)]
    cells = [f"{c[:k]}.{c[k:]}" for c in cells for k in (0, digits // 2, digits)]
    found = [(cell, *parsed(f"{cell},0\n")) for cell in cells]
    assert all(rows[0][0] == float(cell) for cell, plain, rows in found if plain)
    assert sum(plain for _, plain, _ in found) >= (600 if digits <= 15 else 580)


@pytest.mark.parametrize(
    "cell",
    ["-", "+5", ".", "-.", ".e5", "1e", "1e-", "nan", "NA", "1.5.2", "--1", "1 ", " 1", '"1"',
     "0x10", "1e400", "1e-30", "12345678901234567890", "1;2", "inf"],
)  # fmt: skip
def test_what_is_not_plain_is_left_alone(cell):
    assert parsed(f"1,2\n{cell},2\n") == (False, [[1.0, 2.0]])


@pytest.mark.parametrize("line", ["1\n", "1,2,3\n", "\n", ",\n2\n"])
def test_lines_of_another_length_are_left_alone(line):
    assert parsed(line)[0] is False


def test_an_empty_cell_is_missing_and_lines_may_end_as_on_windows():
    plain, rows = parsed(",1\r\n2,\n")
    assert plain
    np.testing.assert_array_equal(rows, [[np.nan, 1.0], [2.0, np.nan]])


@settings(deadline=None)
@given(st.lists(st.text("ab\n", max_size=6), max_size=8), st.integers(1, 7))
def test_pieces_of_a_file_are_whole_lines(parts, size):
    text = "".join(parts).encode()
    pieces = list(whole_lines(io.BytesIO(text), size))
    assert b"".join(pieces) == text + b"\n" * (text[-1:] not in (b"", b"\n"))
    assert all(piece.endswith(b"\n") for piece in pieces)


FILES = {
    "plain": "a,b,c\n1,2,3\n4.5,-1e-3,6\n",
    "no end": "a,b,c\n1,2,3",
    "windows": "a,b,c\r\n1,2,3\r\n4,5,6\r\n",
    "byte order mark": "\ufeffa,b,c\n1,2,3\n",
    "other order": "c,x,b,a\n3,words,2,1\n6,more,5,4\n",
    "quoted names": '"a","b","c, d",c\n1,2,x,3\n',
    "quoted cells": 'a,b,c\n1,2,3\n"4","5",6\n7,8,9\n',
    "missing": "a,b,c\n,2,NA\n4,nan,6\n7,,\n",
    "blank lines": "a,b,c\n\n1,2,3\n\n4,5,6\n",
    "a column lacks": "a,c\n1,3\n",
    "names alone": "a,b,c\n",
    "blanks": "a,b,c\n 1,2 ,3\n",
    "long digits": "a,b,c\n0.12345678901234567,123456789012345678901,1e300\n",
}


@pytest.mark.parametrize("size", [1, 8, 1000])
@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_files_read_as_arrow_reads_them(text, size):
    parse, names = pa.csv.ParseOptions(), ["a", "b", "c"]
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.float64()),
        include_columns=names,
        include_missing_columns=True,
        null_values=NULLS,
    )
    whole = pa.csv.read_csv(io.BytesIO(text.encode()), None, parse, convert)
    batches = list(plain_blocks(io.BytesIO(text.encode()), size, parse, convert, names))
    for name in names:
        ours = [batch.column(name).to_numpy(zero_copy_only=False) for batch in batches]
        theirs = whole.column(name).to_numpy()
        np.testing.assert_array_equal(np.concatenate(ours or [theirs[:0]]), theirs)


@pytest.mark.parametrize(
    ("text", "says"),
    [("x,y\n1,2\nseven,3\n", "seven"), ("x,y\n1,2\n3,4,5\n", "Expected 2 columns, got 3"),
     ("", "Empty CSV file")],
)  # fmt: skip
def test_what_neither_reads_is_refused(tmp_path, text, says):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n1,2\n")
    files = open_files(path).typed({"x": pa.float64(), "y": pa.float64()})
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        list(files.batches())
