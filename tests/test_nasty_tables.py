"""Nasty files: read as their author meant them, or refused with the place and the way out."""

import gzip
import io
import zipfile

import numpy as np
import pytest
from table_files import refusal, written

from downslope.tables import Encoder, read_table, understand


def column(cells):
    """A table of one column of cells beside a target that no reader can mistake."""
    quoted = ['"' + cell.replace('"', '""') + '"' if "," in cell else cell for cell in cells]
    return "x,y\n" + "".join(f"{cell},{i % 7 + 0.5}\n" for i, cell in enumerate(quoted))


def zipped(**files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return buffer.getvalue()


NUMBERS = [f"{i}.25" for i in range(20)]
SMALL = b"a,y\n1,2\n3,4.5\n5,6\n"
READ = {
    "Excel's first line, semicolons": ("sep=;\na;y\n1;2\n3;4.5\n", {"a": [1, 3], "y": [2, 4.5]}),
    "Excel's first line, CRLF": ("sep=,\r\na,y\r\n1,2\r\n3,4.5\r\n", {"a": [1, 3]}),
    "Indian groups": (
        column(["1,00,000", "12,34,567.5", "5,00,000"]),
        {"x": [1e5, 1234567.5, 5e5]},
    ),
    "Swiss francs": (column(["CHF 1'000", "CHF 2'500"]), {"x": [1000, 2500]}),
    "nothing among accountants": (
        column(["$ 1,200.50", "$ -", "$ 3.00"]),
        {"x": [1200.5, np.nan, 3]},
    ),
    "debts with a minus behind": (column(["100-", "20", "1.5-"]), {"x": [-100, 20, -1.5]}),
    "full-width digits": (
        column(["１２", "３４．５".replace("．", "."), "５６"]),
        {"x": [12, 34.5, 56]},
    ),
    "Arabic digits": (column(["١٢", "٣٤", "٥٦"]), {"x": [12, 34, 56]}),
    "Fortran's exponent": (column(["1.5D+03", "2.5d-1"]), {"x": [1500, 0.25]}),
    "blanks that do not break": (
        column(["\u00a01.5\u00a0", "\u20092.5", "3.5"]),
        {"x": [1.5, 2.5, 3.5]},
    ),
    "signs without width": (column(["\u200b1.5", "2.5\ufeff", "3.5"]), {"x": [1.5, 2.5, 3.5]}),
    "zones of time": (
        column(["2024-01-01T00:00:00Z", "2024-01-01T02:00:00+02:00"]),
        {"x": [19723, 19723]},
    ),
    "carriage returns only": (SMALL.replace(b"\n", b"\r"), {"a": [1, 3, 5]}),
    "three kinds of line ends": (b"a,y\r\n1,2\n3,4.5\r\n5,6\r", {"a": [1, 3, 5]}),
    "UTF-16 without a mark": (SMALL.decode().encode("utf-16-le"), {"a": [1, 3, 5]}),
    "two gzip members": (gzip.compress(SMALL[:8]) + gzip.compress(SMALL[8:]), {"a": [1, 3, 5]}),
    "a zip in a zip": (zipped(t_zip=zipped(t_csv=SMALL)), {"a": [1, 3, 5]}),
    "bars with blanks": ("a | b | y\n1 | 2 | 3\n4 | 5 | 6.5\n", {"a": [1, 4], "b": [2, 5]}),
    "decimal commas": ("a;y\n1,5;3,5\n2,5;4,5\n", {"a": [1.5, 2.5], "y": [3.5, 4.5]}),
    "a preamble": ("Export of 2024\nby: me\n\na,y\n1,3\n3,5.5\n", {"a": [1, 3]}),
    "blank names": (",,y\n1,2,3\n3,4,5.5\n5,6,7\n", {"x0": [1, 3, 5], "x1": [2, 4, 6]}),
    "names twice": ("a,a,y\n1,2,4\n5,6,8.5\n", {"a": [1, 5], "a.1": [2, 6]}),
    "a line end in a name": ('"a\nb",y\n1,2\n3,4.5\n', {"a\nb": [1, 3]}),
    "separators behind": ("a,y,\n1,2,\n3,4.5,\n", {"a": [1, 3]}),
}


@pytest.mark.parametrize("name", READ)
def test_read_as_meant(name, tmp_path):
    data, wanted = READ[name]
    table = read_table(written(tmp_path, data))
    view = understand(table, "y")
    for each, values in wanted.items():
        if each == "y":
            np.testing.assert_array_equal(view.target.y, values)
        else:
            np.testing.assert_array_equal(view.table.columns[each], values)
    X = Encoder.learn(view).encode(table).X
    assert np.isfinite(X).all()


REFUSED = {
    "an unclosed quote": ('a,y\n"x,2\nb,4.5\n', ("line 2", "quote")),
    "backslashes before quotes": ('a,y\n"say \\"hi\\"",2\nb,4\n', ("line 2", "double the quotes")),
    "a row too long": ("a,y\n1,2\n3,4,5\n6,7.5\n", ("line 3", "3 fields found", "--skip-bad-rows")),
    "a row too short": ("a,b,y\n1,2,3\n4,5\n6,7,8\n", ("line 3", "2 fields found")),
    "totals": ("a,y\n1,2\n3,4\nTotal,6\n", ("line 4", "'Total'", "--skip-last 1")),
    "a note below": ("a,b,y\n1,2,3\n3,4,5\n\n* preliminary\n", ("line 5", "'* preliminary'")),
    "the header again": ("a,y\n1,2\n3,4.5\na,y\n5,6\n", ("line 1", "--header")),
    "infinity": (column([*NUMBERS, "inf"]), ("line 22", "'x'", "'inf'", "--missing")),
    "too large a number": (column([*NUMBERS, "1e400"]), ("line 22", "'1e400'")),
    "percents and numbers": (column(["5%", "7", "9%"]), ("line 3", "'7'", "another unit")),
    "a day that is none": (
        column([f"2024-01-{m:02}" for m in range(1, 25)] + ["2024-02-30"]),
        ("line 26", "'2024-02-30'", "--missing"),
    ),
    "NUL bytes": (b"a,y\n1,2\n\x003,4.5\n5,6\n", ("not text", "--encoding")),
    "something behind a gzip file": (gzip.compress(SMALL) + b"garbage", ("gzip", "broken")),
    "nothing in a gzip file": (gzip.compress(b""), ("empty",)),
    "two files in a zip": (zipped(a_csv=SMALL, README_txt="x"), ("2 files", "a.csv", "README.txt")),
    "a header alone": ("a,b,y\n", ("0 data rows",)),
    "names of rows only": (column([f"name{i}" for i in range(60)]), ("different in every row",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_the_place_and_the_way_out(name, tmp_path):
    data, words = REFUSED[name]
    path = written(tmp_path, data)
    message = refusal(lambda: understand(read_table(path), "y"))
    assert message.startswith("t.csv")
    for each in words:
        assert each in message


def test_amounts_in_an_unknown_unit_are_words_and_it_is_said(tmp_path):
    view = understand(read_table(written(tmp_path, column(["5 kg", "7 kg", "9 kg"] * 5))), "y")
    assert view.columns[0].kind == "category"
    assert "words, not amounts" in view.columns[0].remark


def test_many_levels_do_not_become_many_columns(tmp_path):
    cells = [f"level {i % 400}" for i in range(1200)]
    view = understand(read_table(written(tmp_path, column(cells))), "y")
    names = Encoder.learn(view).encode(view.table).names
    assert len(names) < 40
    assert "rare ones will share a column" in view.columns[0].remark
