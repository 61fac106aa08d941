"""``downslope race``: several rules down one valley, under one protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import downslope.cli.options as o
from downslope.cli.codes import DONE
from downslope.cli.keeping import Keeping
from downslope.cli.screen import Screen
from downslope.cli.trace import places_in
from downslope.errors import SettingError
from downslope.wording import digits

if TYPE_CHECKING:
    from downslope.sweeping.race import Race

What = Annotated[
    str,
    typer.Argument(
        metavar="FORMULA|DATA", help="Such as '0.5*u^2 + 50*v^2'; or a table, with --target."
    ),
]
Start = Annotated[
    str | None, typer.Option(help="Where all begin, such as u=10,v=1; ones by default.")
]
Rules = Annotated[str, typer.Option(help="Rules, with commas between.")]
Budget = Annotated[int, typer.Option(help="Gradient evaluations that each may spend.")]
Feature = Annotated[
    str | None, typer.Option("--features", help="Columns of the table, with commas between.")
]
FigureFile = Annotated[
    str | None, typer.Option("--figure", help="File for the figure: .png, .svg or .pdf.")
]


def race(
    what: What,
    start: Start = None,
    rules: Rules = "plain,momentum,nesterov,adam",
    evaluations: Budget = 200,
    target: o.Target = None,
    features: Feature = None,
    figure: FigureFile = None,
    quiet: o.Quiet = False,
    json: o.Json = False,
) -> int:
    """Let rules race: same start, same budget, each with the best rate of a sweep.

    Example: downslope race "0.5*u^2 + 50*v^2" --start u=10,v=1 --figure race.png
    """
    Keeping(figure=figure).check()
    screen = Screen(quiet, json)
    from downslope.rules import make_rule
    from downslope.sweeping.race import race as run_race

    names = [name.strip() for name in rules.split(",") if name.strip()]
    if evaluations < 2:
        raise SettingError(f"--evaluations {evaluations} is too few for a race; use 2 or more.")
    problem, w0, weights = ground(what, target, features, start)
    chosen = [make_rule(name) for name in names]
    found = run_race(problem, [(rule, None) for rule in chosen], w0, evaluations=evaluations)
    show(found, screen)
    if figure is not None:
        draw(found, problem, w0, weights, Path(figure))
        screen.say(f"The figure is in {figure}.")
    screen.answer(as_json(found))
    return DONE


def ground(
    what: str, target: str | None, features: str | None, start: str | None
) -> tuple[Any, Any, tuple[str, ...]]:
    """What is raced on, where it begins, and the names of the weights."""
    import numpy as np

    if target is None and not Path(what).is_file():
        from downslope.problems.formula import parse

        formula = parse(what)
        begin = places_in(start) or dict.fromkeys(formula.names, 1.0)
        return formula, formula.point(begin), formula.names
    from downslope.cli.asking import names_in
    from downslope.fitting.asked import Ask
    from downslope.fitting.rate_range import problem_of
    from downslope.tables import read_table

    if start is not None:
        raise SettingError("--start is for formulas; through a table all weights begin at 0.")
    problem = problem_of(read_table(what), Ask(target, features=names_in(features)))
    return problem, np.zeros(problem.size), tuple(f"w{j}" for j in range(problem.size))


def show(found: Race, screen: Screen) -> None:
    """A line per rule, the one that got lowest first."""
    screen.say(found.protocol)
    screen.say()
    rows = []
    for runner in found.runners:
        reached = runner.reached(found.target)
        there = digits(reached) if reached < float("inf") else "never"
        rows.append([runner.name, digits(runner.rate), digits(runner.end), there])
    screen.table(["rule", "learning rate", "lowest", f"there ({digits(found.target)}) after"], rows)
    screen.say()
    screen.say(
        f"There: within a thousandth of the way from the lowest end to the start, at "
        f"{digits(found.target)}."
    )


def draw(found: Race, problem: Any, w0: Any, weights: tuple[str, ...], file: Path) -> None:
    """Losses against evaluations; for two weights also the ways taken."""
    import numpy as np

    from downslope.descend import run
    from downslope.fitting.walk_picture import landscape
    from downslope.pictures.rates import RuleCurve, rule_curves
    from downslope.pictures.style import save
    from downslope.rates import Constant
    from downslope.rules import make_rule
    from downslope.stopping import MaxSteps

    curves = [RuleCurve(r.name, r.evaluations, r.values) for r in found.runners]
    if len(w0) != 2:
        save(rule_curves(curves, target=found.target), file)
        return
    paths = []
    for runner in found.runners:
        stops = [MaxSteps(max(len(runner.values) - 1, 1))]
        walk = run(problem, w0, make_rule(runner.name), Constant(runner.rate), stops)
        assert walk.trace.weights is not None  # two weights are always kept
        paths.append(walk.trace.weights)
    goal = paths[0][-1]
    valley = landscape(problem.value, np.vstack(paths), goal)
    pair = (weights[0], weights[1])
    save(rule_curves(curves, target=found.target, valley=valley, paths=paths, names=pair), file)


def as_json(found: Race) -> dict[str, Any]:
    """The same for programs."""
    return {
        "protocol": found.protocol,
        "target": found.target,
        "runners": [
            {
                "rule": runner.name,
                "rate": runner.rate,
                "end": runner.end,
                "reached": runner.reached(found.target),
                "tuning": runner.tuning,
            }
            for runner in found.runners
        ],
    }
