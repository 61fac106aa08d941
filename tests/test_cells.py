"""Cells: numbers, dates, yes and no as people spell them, and what is doubtful refused by name."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_files import refusal, written

from downslope.tables import read_table, understand
from downslope.tables.words import Words


def read_column(tmp_path, cells, **options):
    """Values, kind and remark of one column of cells; the target beside it is 0, 1, 2, ..."""
    kinds = options.pop("kinds", None)
    text = io.StringIO()
    csv.writer(text).writerows([["x", "y"], *([cell, i + 0.5] for i, cell in enumerate(cells))])
    table = read_table(written(tmp_path, text.getvalue()), skip_last=0, **options)
    view = understand(table, "y", features=["x"], kinds=kinds)
    return view.table.columns["x"], view.columns[0]


DAY = 19781.0  # 2024-02-28


@pytest.mark.parametrize(
    ("cells", "kind", "values", "remark"),
    [
        (["1", "2.5", "-3e2", "+4"], "number", [1, 2.5, -300, 4], ""),
        ([" 1", "2 ", " NA", "", "?", "NaN", "null"], "number", [1, 2] + [np.nan] * 5, ""),
        (["1", "-", "3", ".", "#DIV/0!"], "number", [1, np.nan, 3, np.nan, np.nan], ""),
        (["1,000", "12,345.5", "7"], "number", [1000, 12345.5, 7], "thousands"),
        (["1'000", "2'500'000"], "number", [1000, 2.5e6], "thousands"),
        (["1 000", "2\u00a0500"], "number", [1000, 2500], ""),
        (["1.234,5", "0,25", "3"], "number", [1234.5, 0.25, 3], "decimal commas"),
        (["1,5", "2,25"], "number", [1.5, 2.25], "decimal commas"),
        (["$5", "-$6.50", "($7)", "$1,000"], "number", [5, -6.5, -7, 1000], "$ taken off"),
        (["5 €", "6,5 €"], "number", [5, 6.5], "€ taken off"),
        (["12%", "7.5 %"], "number", [0.12, 0.075], "12% is 0.12"),
        (["−1", "−2.5"], "number", [-1, -2.5], ""),
        (["1000000000000000000000", "1", "2"], "number", [1e21, 1, 2], "2^53"),
        (["yes", "No", "", "YES"], "boolean", [1, 0, np.nan, 1], "yes, YES = 1; No = 0"),
        (["t", "f", "T"], "boolean", [1, 0, 1], ""),
        (["2024-02-28", "2024/02/29"], "date", [DAY, DAY + 1], "year month day"),
        (
            ["2024-02-28T12:00:00Z", "2024-02-28 18:00+06:30"],
            "date",
            [DAY + 0.5, DAY + 11.5 / 24],
            "",
        ),
        (["28/02/2024", "29/02/2024", "1/3/24"], "date", [DAY, DAY + 1, DAY + 2], "day month year"),
        (["02/28/2024 6:00 AM", "2/29/2024 12:00 am"], "date", [DAY + 0.25, DAY + 1], "month day"),
        (["01.03.2024", "02.03.2024"], "date", [DAY + 2, DAY + 3], "day month year"),
        (["28 Feb 2024", "29-feb-24", ""], "date", [DAY, DAY + 1, np.nan], "day month-name year"),
        (["Feb 28, 2024", "March 1, 2024"], "date", [DAY, DAY + 2], "month-name day year"),
        (["28/02/69", "28/02/68"], "date", [-307.0, 35852.0], "1969 to 2068"),
    ],
)
def test_cells_are_read_as_meant(tmp_path, cells, kind, values, remark):
    column, understood = read_column(tmp_path, cells)
    assert understood.kind == kind
    np.testing.assert_allclose(column, values, rtol=1e-15)
    assert remark in understood.remark
    assert understood.n_missing == int(np.isnan(values).sum())


@pytest.mark.parametrize(
    ("cells", "levels"),
    [
        (["01234", "02345", "10001", "01234"], ["01234", "02345", "10001"]),
        (["0", "1", "2", "3+", "1"], ["0", "1", "2", "3+"]),
        (["a", " a", "b ", "None"], ["a", "b"]),
        (["12:30", "13:00", "12:30"], ["12:30", "13:00"]),
        (["1/2", "3/4", "1/2"], ["1/2", "3/4"]),
        (["yes", "no", "maybe", "no"], ["yes", "no", "maybe"]),
        (["2024-13-01", "x", "y", "x"], ["2024-13-01", "x", "y"]),
        (["5kg", "7kg", "5kg"], ["5kg", "7kg"]),
    ],
)
def test_cells_that_are_names(tmp_path, cells, levels):
    column, understood = read_column(tmp_path, cells)
    assert understood.kind == "category"
    assert column.names() == levels


NUMBERS = [f"{i}.25" for i in range(30)]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([*NUMBERS, "abc"], ("line 32", "'x'", "'abc' is not a number", "--missing 'abc'")),
        ([*NUMBERS, *["n.k."] * 20], ("line 32", "(20 such cells)")),
        ([*NUMBERS, "1e999"], ("line 32", "1e999", "no number to learn from")),
        (["01/02/2024", "03/04/2024"], ("line 2", "--day-first", "--month-first")),
        (["27/02/2024", "02/27/2024"], ("line 3", "'02/27/2024'")),
        ([f"{i:02}/01/2024" for i in range(1, 32)] + ["31/02/2024"], ("line 33", "31/02/2024")),
        (["$1", "€2"], ("line 3", "'€2'", "another unit")),
        (["1%", "2"], ("line 3", "'2'", "unit")),
    ],
)
def test_doubtful_cells_are_refused(tmp_path, cells, words):
    message = refusal(read_column, tmp_path, cells)
    for each in words:
        assert each in message


def test_doubts_are_settled_by_options(tmp_path):
    column, _ = read_column(tmp_path, [*NUMBERS, "abc"], missing=["ABC"])
    assert np.isnan(column[-1])
    dates = ["01/02/2024", "03/04/2024"]
    first, _ = read_column(tmp_path, dates, day_first=True)
    second, _ = read_column(tmp_path, dates, day_first=False)
    assert first.tolist() == [DAY - 27, DAY + 35]
    assert second.tolist() == [DAY - 57, DAY + 5]
    words, column = read_column(tmp_path, NUMBERS, kinds={"x": "category"})
    assert isinstance(words, Words)
    assert column.kind == "category"
    assert "read as number" in refusal(read_column, tmp_path, ["a", "b"], kinds={"x": "number"})
    assert "'odd'" in refusal(read_column, tmp_path, ["a", "b"], kinds={"x": "odd"})


def test_dates_that_read_the_same_both_ways_leave_no_doubt(tmp_path):
    column, _ = read_column(tmp_path, ["01/01/2024", "02/02/2024"])
    assert column.tolist() == [DAY - 58, DAY - 26]
    assert "--day-first" in refusal(
        read_column, tmp_path, ["01/02/2024 10:00:00.5", "02/03/2024 10:00:00.5"]
    )


def test_decimal_commas_are_one_habit_of_a_table(tmp_path):
    def view_of(text, **options):
        return understand(read_table(written(tmp_path, text), **options), "y")

    both = view_of("a;b;y\n1,5;2.037;1\n3,5;1.037;2\n").table.columns
    assert both["b"].tolist() == [2037.0, 1037.0]
    text = "a;y\n1,507;2\n3,512;1\n"
    assert "--decimal" in refusal(view_of, text)
    assert view_of(text, decimal=",").table.columns["a"].tolist() == [1.507, 3.512]
    assert view_of(text, decimal=".").table.columns["a"].tolist() == [1507.0, 3512.0]
    points = view_of("a;b;y\n1,5;0.037;1\n3,5;1.037;2\n").table.columns
    assert points["b"].tolist() == [0.037, 1.037], "0.037 cannot hold thousands"


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20),
    st.sampled_from(["repr", "comma", "thousands", "swiss"]),
)
@settings(max_examples=100, deadline=None)
def test_numbers_come_back_exactly(tmp_path_factory, values, style):
    styles = {
        "repr": repr,
        "comma": lambda v: repr(v).replace(".", ","),
        "thousands": lambda v: f"{v:,.3f}",
        "swiss": lambda v: f"{v:,.3f}".replace(",", "'"),
    }
    if style in ("thousands", "swiss"):
        values = [float(f"{v % 1e9:.3f}") for v in values]
    values = [*values, 0.5, 1234.25]
    column, understood = read_column(
        tmp_path_factory.mktemp("t"), [styles[style](v) for v in values]
    )
    assert understood.spelling.kind == "number"
    assert column.tolist() == values
