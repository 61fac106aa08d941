"""``downslope practice``: exercises, flashcards, the fog and printed sheets."""

import json
from pathlib import Path
from typing import Annotated

import typer

from downslope.cli.codes import DONE
from downslope.errors import InputError, SettingError


def practice(
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            help="score, trace, fit, sketch, curves, regime, what_if or minima; repeatable.",
        ),
    ] = None,
    count: Annotated[int, typer.Option(help="Exercises or cards.")] = 8,
    seed: Annotated[int, typer.Option(help="The same seed gives a class the same exercises.")] = 1,
    cards: Annotated[bool, typer.Option("--cards", help="Flashcards that are due.")] = False,
    fog: Annotated[bool, typer.Option("--fog", help="Find the deepest point in the fog.")] = False,
    sheet: Annotated[
        int | None, typer.Option(help="Print so many exercises, with answers, to --out.")
    ] = None,
    export: Annotated[
        bool, typer.Option("--export", help="Your answers, to --out (.csv or .json).")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="File for --sheet (.html) or --export.")] = None,
    progress: Annotated[
        Path | None, typer.Option(help="Your progress file; by default beside your other data.")
    ] = None,
) -> int:
    """Practise gradient descent: exercises that check themselves, flashcards, printed sheets."""
    from downslope.practice import KINDS, room
    from downslope.practice.progress import default_path, load
    from downslope.practice.sheet import sheet as printed

    for name in kind or []:
        if name not in KINDS:
            raise InputError(f"There is no exercise {name!r}; choose one of {', '.join(KINDS)}.")
    number = count if sheet is None else sheet
    if number < 1:
        raise SettingError(f"{number} exercises is none; ask for 1 or more.")
    path = progress or default_path()
    if sheet is not None:
        _write(out or Path("sheet.html"), printed(sheet, seed))
    elif export:
        kept, where = load(path), out or Path("progress.csv")
        whole = where.suffix == ".json"
        _write(where, json.dumps(kept.to_table(), indent=1) if whole else kept.to_csv())
    elif cards:
        room.review_cards(count, path, _ask, typer.echo)
    elif fog:
        _in_the_fog(seed, path)
    else:
        room.practise(kind or list(KINDS), count, seed, path, _ask, typer.echo)
    return DONE


def _in_the_fog(seed: int, path: Path) -> None:
    from downslope.practice import room

    try:
        room.fog(seed, path, _ask, typer.echo)
    except room.Leave:
        typer.echo("Left.")


def _ask(prompt: str) -> str:
    """One line typed by the person; the end of the input leaves."""
    try:
        return input(prompt)
    except EOFError:
        return "quit"


def _write(path: Path, text: str) -> None:
    from downslope.files import write_atomically

    write_atomically(path, text.encode())
    typer.echo(f"Wrote {path}.")
