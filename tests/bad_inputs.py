"""What must happen to each bad input: refused in which words, or read as what.

``refused`` holds words of the one sentence that ends it; where it is empty the file is read, and
``says`` holds words that the notes and remarks must contain.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Expectation:
    refused: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    rows: int = 40
    task: str = "regression"
    kinds: dict[str, str] = field(default_factory=lambda: PLAIN)
    unused: tuple[str, ...] = ()
    options: dict[str, object] = field(default_factory=dict)


PLAIN = {"x1": "number", "x2": "number", "c": "category"}


def refused(*words: str) -> Expectation:
    return Expectation(refused=words)


EXPECTED = {
    "empty.csv": refused("empty"),
    "header_only.csv": refused("0 data rows"),
    "two_rows.csv": Expectation(
        says=("2 rows for 2 columns", "many models fit"),
        rows=2,
        kinds={"x1": "number", "x2": "number"},
    ),
    "no_header.csv": refused("line 1", "first row looks like data", "--no-header"),
    "inf_features.csv": refused("line 4", "column 'x1'", "inf"),
    "target_all_missing.csv": refused("'y'", "missing in all 40 rows"),
    "target_constant.csv": Expectation(says=("5 in every row", "R² is not defined")),
    "nearly_constant_column.csv": Expectation(
        says=("3.14 in every row up to rounding",), kinds=PLAIN | {"k": "constant"}, unused=("k",)
    ),
    "duplicate_feature.csv": Expectation(
        says=("'x1' and 'x1b' say the same",), kinds=PLAIN | {"x1b": "number"}
    ),
    "target_leak.csv": Expectation(
        says=("Leak suspected", "'leak' equals the target"), kinds=PLAIN | {"leak": "number"}
    ),
    "denormal_1e-310.csv": Expectation(),
    "huge_offset.csv": Expectation(),
    "ints_beyond_int64.csv": Expectation(
        says=("beyond 2^53",), kinds=PLAIN | {"x1": "id"}, unused=("x1",)
    ),
    "thousands_separators.csv": Expectation(says=("thousands separators taken out",)),
    "bool_mixed.csv": Expectation(
        says=("True, TRUE = 1; no, False = 0",), kinds=PLAIN | {"t": "boolean"}
    ),
    "ambiguous_dates.csv": Expectation(
        says=("dates written day month year",), kinds=PLAIN | {"d": "date"}
    ),
    "high_cardinality.csv": Expectation(
        says=("35 levels", "rare ones will share"), kinds=PLAIN | {"h": "category"}
    ),
    "utf8_bom.csv": Expectation(),
    "latin1.csv": Expectation(
        says=("not UTF-8", "cp1252"), kinds={"x1": "number", "x2": "number", "café": "category"}
    ),
    "binary.csv": refused("not text"),
    "tab.csv": Expectation(),
    "cr_only.csv": Expectation(),
    "trailing_comma.csv": Expectation(says=("1 column with neither name nor values left out",)),
    "ragged_short.csv": refused("line 42", "2 fields found, 4 wanted", "--skip-bad-rows"),
    "quoted_newlines.csv": Expectation(rows=41),
    "spaces_in_header.csv": Expectation(),
    "empty_name.csv": Expectation(
        says=("Column 0", "no name", "'x0'"),
        kinds={"x0": "number", "x2": "number", "c": "category"},
    ),
    "case_collision.csv": Expectation(kinds={"X": "number", "x": "number", "c": "category"}),
    "footer.csv": refused("line 42", "'Total'", "--skip-last 1"),
    "formula_injection.csv": Expectation(),
    "long_cell.csv": Expectation(rows=41),
    "naughty_names.csv": Expectation(says=("10 rows for 200 columns",), rows=10, kinds={}),
    "one_class.csv": refused("target 'y' has one class"),
    "class_trailing_space.csv": Expectation(says=("differ only by blanks",), task="binary"),
    "perfectly_separable.csv": Expectation(task="binary"),
    # As told to classify it is refused; left to itself it is a regression on 40 numbers.
    "ids_as_classes.csv": Expectation(says=("40 different numbers in 40 rows",)),
    "gz_named_csv.csv": Expectation(),
    "not_gz.csv.gz": refused("name says gzip", "x1,x2"),
    "zip_slip.zip": Expectation(),
    "ok.parquet": Expectation(),
    "header_only.parquet": refused("begins as parquet", "cannot be read"),
    "parquet_named.csv": Expectation(),
    "zero_rows.parquet": refused("0 data rows"),
    "uint64_max.parquet": Expectation(says=("beyond 2^53",), kinds={"u": "constant"}),
    "bad_index.svm": refused("line 3", "'x'"),
    "huge_index.svm": Expectation(rows=2, task="binary", kinds={}),
    "naughty_levels.csv": Expectation(
        says=("505 levels",), rows=515, kinds={"c": "category", "x": "number"}
    ),
}
