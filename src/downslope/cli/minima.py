"""``downslope minima``: how many low places there are, and which start leads to which."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

import downslope.cli.options as o
from downslope.cli.codes import DONE
from downslope.cli.keeping import Keeping
from downslope.cli.screen import Screen
from downslope.errors import InputError, SettingError
from downslope.wording import digits

if TYPE_CHECKING:
    from downslope.problems.formula import Formula

EVERYWHERE = (-5.0, 5.0)
FINE = {1: 401, 2: 61}
"""Starts along each weight, by the number of weights."""

What = Annotated[
    str, typer.Argument(metavar="FORMULA|VALUES", help="Such as 'w^4 - 2*w^2'; or 3,1,1,8,6,5,2.")
]
Box = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FROM:TO", help="Where to look, -5:5 by default; one per weight."),
]
Starts = Annotated[int, typer.Option(help="Starts, drawn from the box.")]
FigureFile = Annotated[
    str | None, typer.Option("--figure", help="File for the figure: .png, .svg or .pdf.")
]


def minima(
    what: What,
    box: Box = None,
    starts: Starts = 64,
    figure: FigureFile = None,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> int:
    """Count local minima, say how deep they are, and which share of the starts reaches each.

    Example: downslope minima "w^4 - 2*w^2 + 0.3*w" --box w=-2:2 --figure minima.png
    """
    Keeping(figure=figure).check()
    screen = Screen(quiet, json)
    if re.fullmatch(r"[\s\d.,eE+-]+", what) and "," in what:
        told = of_values(what, figure, screen)
    else:
        told = of_formula(what, box or [], starts, figure, screen)
    if figure is not None:
        screen.say(f"The figure is in {figure}.")
    screen.answer(told)
    return DONE


def of_values(text: str, figure: str | None, screen: Screen) -> dict[str, Any]:
    """Local minima of a list of values: a flat bottom counts once, and an end counts."""
    from downslope.landscapes.minima import count_minima

    try:
        values = [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"{text!r} is no list of numbers; write such as 3,1,1,8,6.") from None
    found = count_minima(values)
    said = "minimum" if found.number == 1 else "minima"
    screen.say(f"{found.number} local {said}; the lowest value is {digits(found.lowest)}.", "bold")
    rows = [[f"{a}" if a == b else f"{a} to {b}", digits(values[a])] for a, b in found.places]
    screen.table(["at (counted from 0)", "value"], rows)
    if figure is not None:
        from downslope.pictures.one_weight import minima as drawn
        from downslope.pictures.style import save

        local = [a for a, _ in found.places]
        save(drawn(range(len(values)), values, local, name="position", value_name="value"), figure)
    return {"count": found.number, "lowest": found.lowest, "places": found.places}


def of_formula(
    text: str, box: list[str], starts: int, figure: str | None, screen: Screen
) -> dict[str, Any]:
    """Minima of a formula, from many starts."""
    from downslope.landscapes.minima import basins
    from downslope.landscapes.minima import minima as search
    from downslope.problems.formula import parse

    formula = parse(text)
    ranges = ranges_in(box, formula)
    found = search(formula, ranges, starts)
    for line in found.lines():
        screen.say(line)
    if figure is not None:
        if formula.size > 2:
            raise SettingError(
                f"Basins are drawn for one or two weights, and {text!r} has {formula.size}; leave "
                "--figure out."
            )
        from downslope.fitting.walk_picture import basin_picture
        from downslope.pictures.style import save

        ground = basins(formula, ranges, FINE[formula.size])
        places = [place.w for place in ground.minima.places]
        save(
            basin_picture(formula.value, ground.axes, ground.labels, places, formula.names), figure
        )
    return {
        "places": [
            {"w": place.w.tolist(), "value": place.value, "kind": place.kind, "share": place.share}
            for place in found.places
        ]
    }


def ranges_in(box: list[str], formula: Formula) -> list[tuple[float, float]]:
    """``NAME=FROM:TO`` for each weight, in the order of the formula."""
    ranges = dict.fromkeys(formula.names, EVERYWHERE)
    for each in box:
        name, _, span = each.partition("=")
        try:
            low, high = (float(part) for part in span.split(":"))
        except ValueError:
            low, high = 1.0, 0.0
        if name not in ranges or not low < high:
            raise SettingError(
                f"--box {each!r} is not NAME=FROM:TO with one of {', '.join(formula.names)}; write "
                f"--box {formula.names[0]}=-2:2."
            )
        ranges[name] = (low, high)
    return list(ranges.values())
