"""``downslope diagnose`` and ``downslope inspect``: what a finished run or a saved model says."""

from pathlib import Path
from typing import Annotated

import typer

import downslope.cli.options as o
from downslope.cli.codes import DONE
from downslope.cli.screen import Screen, listed
from downslope.wording import one_line

TRACES = (".csv", ".json", ".parquet")
MOST_NAMES = 12

Run = Annotated[
    str, typer.Argument(metavar="MODEL|TRACE", help="What `fit --out` or `fit --trace` wrote.")
]
ModelFile = Annotated[str, typer.Argument(help="File that `downslope fit --out` wrote.")]


def diagnose(run: Run, quiet: o.Quiet = False, json: o.Json = False) -> int:
    """Say what held a run back, with the number that shows it and what to try next.

    A model knows what its rows said; a trace alone says less.
    """
    screen = Screen(quiet, json)
    if Path(run).suffix in TRACES:
        from downslope.diagnosis.diagnose import diagnose as read_run
        from downslope.trace import load_trace

        found = read_run(load_trace(run))
        findings = [(f.symptom.replace("_", " "), f.sentence, f.remedy) for f in found.findings]
        ended = ""
    else:
        from downslope.fitting.model import load

        model = load(run)
        findings = [(told.title, told.evidence, told.remedy) for told in model.findings]
        ended = f"{model.ended[0].replace('_', ' ').capitalize()}: {model.ended[1]}"
        screen.say(ended, "bold")
    for title, evidence, remedy in findings:
        screen.finding(title, evidence, remedy)
    keys = ("symptom", "sentence", "remedy")
    told = [dict(zip(keys, finding, strict=True)) for finding in findings]
    screen.answer({"run": run, "ended": ended, "findings": told})
    return DONE


def inspect(model: ModelFile, json: o.Json = False) -> int:
    """Show what a saved model holds, without loading it."""
    from downslope.store import inspect as look

    screen = Screen(as_json=json)
    about, content = look(model)
    screen.answer({"file": model, "about": about, "content": content})
    screen.say(f"{model}: a {about['kind']} made by {about['made_by']}", "bold")
    names, asked = content.get("names", []), content.get("asked", {})
    facts = [
        ("target", one_line(content.get("target", ""))),
        ("task", str(content.get("task", ""))),
        ("classes", listed(content.get("classes", []))),
        ("features", f"{len(names):,}: {listed(names, MOST_NAMES)}"),
        ("ended", " · ".join(map(str, content.get("ended", [])[:2]))),
        *content.get("scores", {}).items(),
        *((name, one_line(value, 80)) for name, value in asked.items() if name != "target"),
    ]
    screen.facts([(name, value) for name, value in facts if value])
    screen.head("Members")
    rows = [[name, f"{part['bytes']:,}"] for name, part in about["members"].items()]
    screen.table(["", "bytes"], rows)
    return DONE
