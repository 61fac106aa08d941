"""``downslope predict``: a saved model on new rows, by column name, never by position."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

import downslope.cli.options as o
from downslope.cli.codes import DONE
from downslope.cli.screen import Screen
from downslope.wording import score_number

ModelFile = Annotated[str, typer.Argument(help="File that `downslope fit --out` wrote.")]
Result = Annotated[
    str | None,
    typer.Option("--out", "-o", help="File for the predictions, CSV; standard output by default."),
]


def predict(
    model: ModelFile,
    data: o.Data,
    out: Result = None,
    header: o.Header = None,
    separator: o.Separator = None,
    encoding: o.Encoding = None,
    decimal: o.Decimal = None,
    day_first: o.DayFirst = None,
    missing: o.Missing = None,
    skip_lines: o.SkipLines = 0,
    skip_last: o.SkipLast = None,
    skip_bad_rows: o.SkipBadRows = False,
    comment: o.Comment = None,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> int:
    """Predict new rows with a saved model; columns are found by name.

    Example: downslope predict model new.csv -o predictions.csv
    """
    given = dict(locals())
    from downslope.cli.keeping import Keeping
    from downslope.fitting.model import load
    from downslope.fitting.predicting import judged, predicted, to_csv
    from downslope.tables import read_table

    Keeping(model=out).check()
    screen = Screen(quiet, json)
    known = load(model)
    table = read_table(data, **o.reading(given))
    found = predicted(known, table)
    scores = judged(known, table, found)
    text = to_csv(found.columns)
    if json:
        columns = {name: list(values) for name, values in found.columns.items()}
        screen.answer({"predictions": columns, "scores": scores, "notes": found.notes})
    elif out is None:
        sys.stdout.write(text)
    if out is not None:
        from downslope.files import write_atomically

        write_atomically(Path(out), text.encode())
    tell(screen if out is not None else Screen(quiet=True), table.n_rows, scores, found.notes, out)
    return DONE


def tell(
    screen: Screen, rows: int, scores: dict[str, float], notes: tuple[str, ...], out: Any
) -> None:
    """How many rows, how good where the truth is in the table, and what was unlike training."""
    for note in notes:
        screen.say(f"Note: {note}", "yellow")
    screen.say(f"{rows:,} rows predicted, in {out}.")
    if scores:
        said = ", ".join(f"{name} {score_number(value)}" for name, value in scores.items())
        screen.say(f"The table holds the truth too: {said}.")
