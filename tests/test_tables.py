"""Tables: what people have is read as they wrote it, or refused in a sentence that helps."""

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import os
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from bad_inputs import EXPECTED
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from table_files import cells, refusal, written

from downslope.errors import DownslopeError, SettingError
from downslope.tables import Encoder, read_table, understand
from downslope.tables.delimited import Layout, _careful, _fast

FUZZ = settings(max_examples=int(os.environ.get("DOWNSLOPE_FUZZ", "500")), deadline=None)
"""500 in the suite; ``make fuzz`` asks for 10,000."""


# --- every bad input ---------------------------------------------------------------------------


def test_every_bad_input_has_an_expectation():
    manifest = json.loads(shared("bad_inputs/manifest.json").read_text())
    assert {entry["file"] for entry in manifest} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_bad_input_behaves_as_expected(name, tmp_path, monkeypatch):
    path, expected = shared(f"bad_inputs/{name}"), EXPECTED[name]
    monkeypatch.chdir(tmp_path)
    if expected.refused:
        message = refusal(lambda: understand(read_table(path), "y"))
        assert message.startswith(name)
        for words in expected.refused:
            assert words in message
        return
    view = understand(read_table(path), "y")
    assert len(view.target.y) == expected.rows
    assert view.target.task == expected.task
    kinds = {column.name: column.kind for column in view.columns}
    assert expected.kinds.items() <= kinds.items()
    assert not {column.name for column in view.features} & set(expected.unused)
    said = " ".join([*view.notes, view.target.reason, *(c.remark for c in view.columns)])
    for words in expected.says:
        assert words in said
    X, names, _ = Encoder.learn(view).encode(view.table)
    assert X.shape == (expected.rows, len(names))
    assert np.isfinite(X.data if sparse.issparse(X) else X).all()
    assert list(tmp_path.iterdir()) == [], "nothing may be written"


def test_bad_inputs_in_detail():
    def view_of(name, **options):
        return understand(read_table(shared(f"bad_inputs/{name}"), **options), "y")

    assert "\ufeff" not in "".join(view_of("utf8_bom.csv").table.columns)
    offset = view_of("huge_offset.csv").table.columns["x1"]
    assert np.std(offset) == pytest.approx(7.871e-4, rel=1e-3)
    assert (view_of("denormal_1e-310.csv").table.columns["x1"] != 0).all()
    quoted = view_of("quoted_newlines.csv").table.columns["c"]
    assert 'line\nbreak, "quoted"' in quoted.names()
    assert len(view_of("footer.csv", skip_last=1).target.y) == 40
    assert len(view_of("ragged_short.csv", skip_bad_rows=True).target.y) == 40
    told = read_table(shared("bad_inputs/no_header.csv"), header=False)
    assert told.n_rows == 40
    assert understand(told, "3").target.y[0] == 1.561
    assert view_of("inf_features.csv", missing=["inf", "-inf"]).columns[0].n_missing == 1
    classes = refusal(
        understand, read_table(shared("bad_inputs/ids_as_classes.csv")), "y", task="classification"
    )
    assert "40 classes in 40 rows" in classes
    assert "--task regression" in classes
    words = read_table(shared("bad_inputs/naughty_levels.csv"))
    levels = understand(words, "y").table.columns["c"].names()
    assert "undefined" in levels
    assert "NULL" not in levels


# --- files -------------------------------------------------------------------------------------

TEXT = "city;height;when\nKöln;1,5;03.10.2023\nBrüssel;2,25;24.12.2023\n"
AS_WRITTEN = {
    "city": ["Köln", "Brüssel"],
    "height": ["1,5", "2,25"],
    "when": ["03.10.2023", "24.12.2023"],
}


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_encodings_are_found(tmp_path, encoding):
    table = read_table(written(tmp_path, TEXT.encode(encoding)))
    assert cells(table) == AS_WRITTEN
    assert bool(table.notes) == (encoding == "cp1252"), "a guess is said"


def test_encodings_are_told(tmp_path):
    path = written(tmp_path, "国,y\n日本,2\n東京,4\n".encode("shift-jis"))
    assert "--encoding" in refusal(read_table, path)
    assert "not ascii" in refusal(read_table, path, encoding="ascii")
    assert "'nope' is not known" in refusal(read_table, path, encoding="nope")
    assert list(read_table(path, encoding="shift-jis").columns) == ["国", "y"]


def packed(kind, data):
    if kind == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("folder/", "")
            archive.writestr("__MACOSX/._t.csv", "junk")
            archive.writestr("../t.csv", data)
        return buffer.getvalue()
    if kind == "zstd":
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, "zstd") as stream:
            stream.write(data)
        return sink.getvalue().to_pybytes()
    return {"gzip": gzip, "bzip2": bz2, "xz": lzma}[kind].compress(data)


KINDS = ["gzip", "bzip2", "xz", "zstd", "zip"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["t.csv", "t", "t.parquet"])
def test_packed_files_are_known_by_their_bytes(tmp_path, kind, name):
    assert cells(read_table(written(tmp_path, packed(kind, TEXT.encode()), name))) == AS_WRITTEN


@pytest.mark.parametrize("kind", KINDS)
def test_broken_wrappings_are_refused(tmp_path, kind, monkeypatch):
    header, *rows = TEXT.splitlines(keepends=True)
    whole = packed(kind, (header + "".join(rows) * 50).encode())
    for cut in (len(whole) // 2, 7):
        message = refusal(read_table, written(tmp_path, whole[:cut]))
        assert message.startswith("t.csv")
    assert "empty" in refusal(read_table, written(tmp_path, packed(kind, b"")))
    twice = packed("gzip", packed("xz", whole))
    assert read_table(written(tmp_path, twice)).n_rows == 100
    assert "not a table" in refusal(read_table, written(tmp_path, packed(kind, twice)))
    monkeypatch.setattr("downslope.tables.unpacking.LARGEST", 1 << 16)
    bomb = packed(kind, b"0" * (1 << 26)) if kind != "zip" else None
    if bomb is not None:
        assert "unpack to more than" in refusal(read_table, written(tmp_path, bomb))


def test_what_is_no_table_is_named(tmp_path):
    for start, words in [
        (b"SQLite format 3\0", "SQLite"),
        (b"%PDF-1.7", "PDF"),
        (b"\x80\x04\x95 pickle", "pickle"),
        (b"PAR1 and then nothing", "parquet"),
        (b"ARROW1\0\0 nothing", "arrow"),
        (b"\0\1\2\3" * 9, "not text"),
        (b"\1\2\3\4" * 9, "not text"),
    ]:
        assert words in refusal(read_table, written(tmp_path, start, "thing"))
    for names, words in [(["a.csv", "b.csv"], "2 files"), (["xl/a.xml"], "Excel"), ([], "0 files")]:
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        assert words in refusal(read_table, tmp_path / "z.zip")
    assert "no such file" in refusal(read_table, tmp_path / "nowhere.csv")
    assert "folder" in refusal(read_table, tmp_path)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_separators_and_line_ends_are_found(tmp_path, separator, end, last):
    rows = [["name", "x", "note"], ["a b", "1", "p;q"], ["c", "2", "r,s"], ["d", "-3", ""]]
    rows = [["" if separator in cell else cell for cell in row] for row in rows]
    text = end.join(separator.join(row) for row in rows) + end * last
    table = read_table(written(tmp_path, text.encode()))
    assert [list(row) for row in zip(*cells(table).values(), strict=True)] == rows[1:]
    assert table.lines.tolist() == [2, 3, 4]


def test_one_table_in_every_format(tmp_path, monkeypatch):
    frame = pd.DataFrame(
        {"x": [1.5, np.nan, 3.0, 4.0] * 5, "c": ["a", "b", None, "a"] * 5, "y": range(20)}
    )
    frame["d"] = pd.date_range("2024-01-30", periods=20)
    frame["b"] = frame.y % 3 == 0
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    pa.parquet.write_table(arrow, tmp_path / "t.parquet")
    pa.feather.write_feather(arrow, str(tmp_path / "t.feather"))
    with pa.ipc.new_stream(tmp_path / "t.arrows", arrow.schema) as stream:
        stream.write_table(arrow)
    monkeypatch.setattr(
        "sys.stdin", io.TextIOWrapper(io.BytesIO(frame.to_csv(index=False).encode()))
    )

    class Polars:
        def __arrow_c_stream__(self, requested_schema=None):
            return arrow.__arrow_c_stream__(requested_schema)

    sources = [tmp_path / f"t.{end}" for end in ("csv", "tsv", "parquet", "feather", "arrows")]
    sources += [str(sources[0]), "-", frame, arrow, Polars(), frame.to_dict("list")]
    tables = [read_table(source) for source in sources]
    encoder = Encoder.learn(understand(tables[0], "y"))
    X, names, _ = encoder.encode(tables[0])
    assert names == ("x", "x missing", "c=b", "c missing", "d (days)", "b")
    for table, source in zip(tables, sources, strict=True):
        assert Encoder.learn(understand(table, "y")).encode(table).names == names
        np.testing.assert_array_equal(encoder.encode(table).X, X, err_msg=str(source))


def test_arrays(tmp_path):
    values = np.arange(12.0).reshape(4, 3)
    assert list(read_table(values).columns) == ["x0", "x1", "x2"]
    assert read_table(values[:, 0]).n_rows == 4
    assert read_table(values[:0]).n_rows == 0
    record = np.array([(1, 2.5)], dtype=[("a", int), ("b", float)])
    assert list(read_table(record).columns) == ["a", "b"]
    mixed = read_table(np.array([["a", 1], [None, 2]], dtype=object))
    assert mixed.columns["x0"].to_pylist() == ["a", None]
    assert "3 dimensions" in refusal(read_table, np.zeros((2, 2, 2)))
    frame = pd.DataFrame([[1, "a"], [2, 3]], columns=["same", "same"]).rename_axis("when")
    table = read_table(frame)
    assert list(table.columns) == ["same", "same.1"]
    assert "'when' is not a column" in " ".join(table.notes)
    assert read_table(frame["same"].iloc[:, 0]).n_rows == 2
    assert "[1, 2] rows" in refusal(read_table, {"a": [1], "b": [1, 2]})
    assert read_table(table) is table


# --- delimited text ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "columns", "lines", "note"),
    [
        ("a,b\n\n1,2\n \n3,4\n\n", {"a": ["1", "3"], "b": ["2", "4"]}, [3, 5], ""),
        ("x\n1\n\n2\n\n", {"x": ["1", "2"]}, [2, 4], "1 blank line between"),
        ('x\n""\n2\n', {"x": ["", "2"]}, [2, 3], ""),
        ("a,a,\n1,2,\n", {"a": ["1"], "a.1": ["2"]}, [2], "another one called 'a'"),
        ("a,b,\n1,2,3\n", {"a": ["1"], "b": ["2"], "x2": ["3"]}, [2], "Column 2"),
        ("a,b\n1,2,\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, [2, 3], "1 line ended in"),
        ("a,b,\n1,2\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, [2, 3], "1 line ended"),
        ("x0,\n1,2\n", {"x0": ["1"], "x1": ["2"]}, [2], "'x1'"),
        (",x0\n1,2\n", {"x0.1": ["1"], "x0": ["2"]}, [2], "'x0.1'"),
        ("# by\n#\na,b\n1,2\n", {"a": ["1"], "b": ["2"]}, [4], "2 lines above"),
        ("Report\n\na,b\n1,2\n3,4\n", {"a": ["1", "3"], "b": ["2", "4"]}, [4, 5], "'Report'"),
        ('a,b\n1,"x\ny"\n2,z\n', {"a": ["1", "2"], "b": ["x\ny", "z"]}, [2, 4], ""),
        ('a,b\n1,5" x\n2,z\n', {"a": ["1", "2"], "b": ['5" x', "z"]}, [2, 3], ""),
        ('a, b\n1, "x, y"\n', {"a": ["1"], "b": ["x, y"]}, [2], ""),
        (
            "a  b c\n1 2   3\n 4 5 6 \n",
            {"a": ["1", "4"], "b": ["2", "5"], "c": ["3", "6"]},
            [2, 3],
            "",
        ),
        ("first name\nJane Roe\nJo Doe\n", {"first name": ["Jane Roe", "Jo Doe"]}, [2, 3], ""),
        ("a:b\n1:2\n", {"a:b": ["1:2"]}, [2], ""),
        ("a;b\n1,5;2,5\n", {"a": ["1,5"], "b": ["2,5"]}, [2], ""),
        ("a,b", {"a": [], "b": []}, [], ""),
    ],
)
def test_layouts(tmp_path, text, columns, lines, note):
    table = read_table(written(tmp_path, text))
    assert cells(table) == columns
    assert table.lines.tolist() == lines
    assert note in " ".join(table.notes)
    assert bool(note) == bool(table.notes)


@pytest.mark.parametrize(
    ("text", "options", "columns"),
    [
        ("a:b\n1:2\n", {"separator": ":"}, {"a": ["1"], "b": ["2"]}),
        ("a\tb\n1\t2\n", {"separator": "tab"}, {"a": ["1"], "b": ["2"]}),
        ("1,2\n3,4\n", {"header": False}, {"x0": ["1", "3"], "x1": ["2", "4"]}),
        ("1,2\n3,4\n", {"header": True}, {"1": ["3"], "2": ["4"]}),
        ("a,b\n1,2\n# c\n3,4\n", {"comment": "#"}, {"a": ["1", "3"], "b": ["2", "4"]}),
        ("junk,x\na,b\n1,2\n", {"skip_lines": 1}, {"a": ["1"], "b": ["2"]}),
        ("a,b\n1,2\nsum,2\n", {"skip_last": 1}, {"a": ["1"], "b": ["2"]}),
        (
            "a,b\nq,2\nr,3\nsum,2\n",
            {"skip_last": 0},
            {"a": ["q", "r", "sum"], "b": ["2", "3", "2"]},
        ),
        ("a,b\n1\n2,3\n4,5,6\n", {"skip_bad_rows": True}, {"a": ["2"], "b": ["3"]}),
    ],
)
def test_layouts_as_told(tmp_path, text, options, columns):
    assert cells(read_table(written(tmp_path, text), **options)) == columns


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n3\n", ("line 3", "1 field found, 2 wanted", "--skip-bad-rows")),
        ("x\n\n\na,b\n1,2\n3\n", ("line 6",)),
        ('a,b\n1,"x\n2,y\n', ("line 2", "quoted field")),
        ('a,b\n1,2\n3,"4"5\n', ("line 3", "quoted field")),
        ("1,5;2,5\n3,5;1,0\n", ("commas and at semicolons", "--separator")),
        ("39, State-gov, 7\n50, Private, 8\n38, Private, 2\n", ("line 1", "looks like data")),
        ("red,blue\nred,green\ngreen,blue\n", ("looks like data", "--no-header")),
        ("2024-01-01,a\n2024-01-02,b\n", ("looks like data",)),
        ("year,1990,1991\nFR,1,2\nDE,3,4\n", ("looks like data", "--header")),
        ("a,b\n1,2\n1,2\nTotal:,4\n", ("line 4", "'Total:'", "--skip-last")),
        ("\n \n", ("empty",)),
    ],
)
def test_doubtful_layouts_are_refused(tmp_path, text, words):
    message = refusal(read_table, written(tmp_path, text))
    assert message.startswith("t.csv")
    for each in words:
        assert each in message


@pytest.mark.parametrize(
    "options",
    [
        {"separator": "ab"},
        {"separator": '"'},
        {"comment": ""},
        {"skip_lines": -1},
        {"decimal": "x"},
    ],
)
def test_impossible_options_are_refused(tmp_path, options):
    with pytest.raises(SettingError):
        read_table(written(tmp_path, "a,b\n1,2\n"), **options)


word = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@st.composite
def grids(draw):
    width = draw(st.integers(1, 5))
    names = draw(
        st.lists(
            st.text("abcdefg_ é", min_size=1).filter(lambda s: s.strip()),
            min_size=width, max_size=width, unique_by=lambda s: s.strip(),
        )
    )  # fmt: skip
    rows = draw(st.lists(st.lists(word, min_size=width, max_size=width), max_size=12))
    return [names, *rows]


@given(grids(), st.sampled_from(",;\t|"), st.sampled_from(["\n", "\r\n"]), st.booleans())
@settings(max_examples=200, deadline=None)
def test_what_is_written_is_read(tmp_path_factory, grid, separator, end, every):
    text = io.StringIO()
    every |= any("\r" in cell for row in grid for cell in row)  # csv leaves a lone \r bare
    quoting = csv.QUOTE_ALL if every else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting).writerows(grid)
    path = written(tmp_path_factory.mktemp("t"), text.getvalue())
    table = read_table(path, header=True, separator=separator, encoding="utf-8", skip_last=0)
    back = [list(table.columns), *map(list, zip(*cells(table).values(), strict=True))]
    assert back == [[cell.strip() for cell in row] for row in grid]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_both_parsers_give_the_same_cells(data):
    """Arrow's parser where the text is strict, Python's everywhere."""
    sign = st.sampled_from(["a", "1", " ", ",", "\n", "\r\n", '"', '""', "é", '"\n"'])
    text = "".join(data.draw(st.lists(sign, min_size=1, max_size=30))).encode()
    fast = _fast(text, ",")
    if fast is not None:
        slow = _careful(text, ",", Layout(), "t", 0)
        assert fast.lines.tolist() == slow.lines.tolist()
        for one, other in zip(fast.columns, slow.columns, strict=True):
            assert [c.strip() for c in one.to_pylist()] == [c.strip() for c in other.to_pylist()]


# --- hostile text ------------------------------------------------------------------------------

SEEDS = [
    b"x1,c,y\n0.5,a,1\n1.5,b,2\n2.5,a,3\n-1,b,4\n",
    b'"x";"d";"y"\r\n"1,5";"03.10.2023";yes\r\n"2,5";"24.12.2023";no\r\n"0,5";"";no\r\n',
    b"# made by\nname\tprice\ty\nA\t$5\t1\nB\t$1,000\t0\nC\t\t1\n",
    b"1 1:0.5 3:2\n-1 2:1 # note\n1 5:3\n",
    "nom,größe\nÉva,5%\nJürgen,7%\n".encode("utf-16"),
]


@st.composite
def mutations(draw):
    """A small table with some bytes changed, cut out, doubled or put in."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    sign = st.one_of(st.sampled_from(b',;\t"\r\n0.-$%\0 \xff#eN'), st.integers(0, 255))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 4)))
        data[at:to] = bytes(draw(st.lists(sign, max_size=4))) + data[at:to] * draw(
            st.integers(0, 2)
        )
    return bytes(data)


def test_a_sign_that_only_text_takes_for_a_blank_is_no_row(tmp_path):
    path = written(tmp_path, b"\x1c\r1 1:0.5 3:2\n-1 2:1 # note\n1 5:3\n", "t.svm")
    with pytest.raises(DownslopeError):
        read_table(path)


@given(mutations(), st.sampled_from(["t.csv", "t", "t.svm"]))
@FUZZ
def test_mutated_bytes_are_a_table_or_a_sentence(tmp_path_factory, data, name):
    path = written(tmp_path_factory.mktemp("fuzz"), data, name)
    try:
        table = read_table(path)
        view = understand(table, None if table.sparse is not None else -1)
        encoder = Encoder.learn(view)
        X, names, _ = encoder.encode(table)
    except DownslopeError:
        return
    assert X.shape == (table.n_rows, len(names))
    assert np.isfinite(X.data if sparse.issparse(X) else X).all()
    assert Encoder.from_json(encoder.to_json()) == encoder


@given(
    st.binary(max_size=200), st.sampled_from([b"", b"PAR1", b"ARROW1", b"PK\x03\x04", b"\x1f\x8b"])
)
@FUZZ
def test_any_bytes_are_a_table_or_a_sentence(tmp_path_factory, data, start):
    with contextlib.suppress(DownslopeError):
        read_table(written(tmp_path_factory.mktemp("fuzz"), start + data, "t"))
