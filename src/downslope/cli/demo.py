"""``downslope demo``: the main job on two real tables, by the commands a person would type."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from downslope.cli.codes import DONE, NOT_CONVERGED
from downslope.cli.screen import Screen

Folder = Annotated[str, typer.Option(help="Folder for what the demonstration leaves.")]
Run = Callable[[list[str]], int]


def demo_with(run: Run) -> Callable[[str], int]:
    """The command, given what runs a command line."""

    def demo(folder: Folder = "downslope-demo") -> int:
        """Train, explain and picture two real tables: diabetes (numbers) and cancer (classes)."""
        screen = Screen()
        Path(folder).mkdir(parents=True, exist_ok=True)
        from downslope.fitting.samples import write_samples

        screen.say(f"Two real tables from scikit-learn, written to {folder}/.", "dim")
        tables = write_samples(folder)
        for remark, command in commands(folder, tables):
            screen.say()
            screen.say(f"# {remark}", "dim")
            screen.say(f"$ downslope {shlex.join(command)}", "bold cyan")
            # A walk that is shown before it has arrived is part of the lesson, not a failure.
            code = run(command)
            if code not in (DONE, NOT_CONVERGED):
                return code
        show_next(folder, screen)
        return DONE

    return demo


def commands(folder: str, tables: dict[str, str]) -> list[tuple[str, list[str]]]:
    """What is run, and why."""

    def kept(name: str) -> list[str]:
        return [
            *("--out", f"{folder}/{name}.model"),
            *("--report", f"{folder}/{name}.html"),
            *("--trace", f"{folder}/{name}-steps.csv"),
            *("--figures", f"{folder}/{name}-figures"),
        ]

    diabetes, cancer = tables["diabetes"], tables["cancer"]
    return [
        (
            "Numbers: how far diabetes will have progressed in a year.",
            ["fit", diabetes, "--target", "progression", *kept("diabetes")],
        ),
        (
            "The same as a textbook walks: one learning rate, all rows at every step.",
            [
                *("fit", diabetes, "--target", "progression", "--learning-rate", "0.1"),
                *("--max-iter", "300", "--report", f"{folder}/diabetes-walk.html"),
            ],
        ),
        (
            "Classes: is a tumour malignant?",
            ["fit", cancer, "--target", "diagnosis", *kept("cancer")],
        ),
        (
            "A saved model predicts new rows; columns are found by name.",
            ["predict", f"{folder}/cancer.model", cancer, "-o", f"{folder}/predictions.csv"],
        ),
        (
            "What becomes of four learning rates, on one column.",
            [
                *("sweep", diabetes, "--target", "progression", "--features", "bmi"),
                *("--rates", "0.001,0.1,0.9,1.01", "--figure", f"{folder}/rates.png"),
            ],
        ),
        (
            "Three steps by hand.",
            ["trace", "(w - 3)^2", "--start", "w=0", "--learning-rate", "0.1", "--steps", "3"],
        ),
    ]


def show_next(folder: str, screen: Screen) -> None:
    """Where a newcomer goes from here."""
    screen.head("What to look at now")
    screen.facts(
        [
            (f"  {folder}/diabetes.html", "the first model, in any browser"),
            (
                f"  {folder}/diabetes-walk.html",
                "how the textbook's walk went, and what held it back",
            ),
            (f"  {folder}/cancer.html", "the classifier"),
            (f"  {folder}/rates.png", "the four learning rates in one picture"),
            ("  downslope lab", "see it move, and change it"),
            ("  downslope fit YOURS.csv --target COLUMN", "a table of your own"),
            ("  downslope --help", "everything else"),
        ]
    )
