"""Docstrings of public names: every parameter, what comes back, an example that runs."""

import importlib
import re
from pathlib import Path

import pytest

import downslope
from downslope.losses import LOSSES
from downslope.rates import RATES
from downslope.rules import RULES

validate = pytest.importorskip("numpydoc.validate", reason="numpydoc is not installed (extra: dev)")

REFERENCE = sorted((Path(__file__).parents[1] / "docs" / "reference").glob("*.md"))
NEEDED = {
    "GL08",  # a docstring at all
    "PR01",  # every parameter is there,
    "PR02",  # and none that is not
    "RT01",  # what a function answers
    "YD01",
    "GL07",  # sections in numpydoc's order
}

READ_ONLY = ("State", "Step", "Snapshot", "Record", "Watched")
"""What people read and do not make."""


def named_in_reference() -> set[str]:
    """Every name that the reference shows, by its path."""
    found = set()
    for page in REFERENCE:
        text = page.read_text()
        found |= set(re.findall(r"auto(?:function|class):: (\S+)", text))
        for module, members in re.findall(r"automodule:: (\S+)\n   :members:(.*)", text):
            found |= {f"{module}.{name.strip()}" for name in members.split(",") if name.strip()}
    return found


PUBLIC = sorted(
    {f"downslope.{home}.{name}" for name, home in downslope.HOMES.items()}
    | {f"downslope.rules.{cls.__name__}" for cls in RULES.values()}
    | {f"downslope.rates.{cls.__name__}" for cls in RATES.values()}
    | named_in_reference()
)
SHOWN = [  # have an example: what people call by name, and the parts they choose from
    name
    for name in PUBLIC
    if name.split(".")[-1] in downslope.HOMES
    or name.split(".")[1] in ("rules", "rates", "losses", "pictures")
    or name.startswith("downslope.stopping.")
]


def errors(path: str) -> dict[str, str]:
    """What numpydoc says against it; a class that holds results lists attributes instead."""
    report = validate.validate(path)
    said = {code: text for code, text in report["errors"] if code in NEEDED}
    lists = {code: set(re.findall(r"'\s*(\w+)'", said.get(code, ""))) for code in ("PR01", "PR02")}
    if lists["PR01"] == lists["PR02"]:  # a list of names that goes on in the next line
        said.pop("PR01", None), said.pop("PR02", None)
    if "Attributes\n" in (report["docstring"] or "") or path.split(".")[-1] in READ_ONLY:
        said.pop("PR01", None)
    return said


@pytest.mark.parametrize("path", PUBLIC)
def test_the_sections_are_there(path):
    module, _, name = path.rpartition(".")
    assert name in vars(importlib.import_module(module))
    assert errors(path) == {}


@pytest.mark.parametrize("path", SHOWN)
def test_an_example_runs(path):
    assert ">>>" in (validate.validate(path)["docstring"] or "")


def test_every_public_name_is_in_the_reference():
    shown = named_in_reference()
    homes = {f"downslope.{home}.{name}" for name, home in downslope.HOMES.items()}
    assert sorted(homes - shown) == []
    text = "\n".join(page.read_text() for page in REFERENCE)
    for module in ("rules", "rates"):
        assert f"automodule:: downslope.{module}\n   :members:\n" in text


def test_every_loss_stands_in_the_table_with_its_formula():
    table = importlib.import_module("downslope.losses").__doc__
    shown = set(re.findall(r"^(\w+)", table, re.MULTILINE)) | {"squared_epsilon_insensitive"}
    assert "squared_epsilon" in shown  # its short form
    assert set(LOSSES) <= shown
