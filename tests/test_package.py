"""The front door: public names are there, load lazily, and stay what they are."""

import re
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

import downslope


@pytest.mark.parametrize("name", downslope.HOMES)
def test_public_names_are_what_their_files_hold(name):
    home = import_module(f"downslope.{downslope.HOMES[name]}")
    assert getattr(downslope, name) is getattr(home, name)
    assert name in dir(downslope)


def test_the_lab_is_a_package_that_can_be_called():
    code = "import downslope; assert callable(downslope.lab)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_not_there_is_said_with_what_is():
    with pytest.raises(AttributeError, match="no 'descend_fast'; it has DescentRegressor"):
        _ = downslope.descend_fast


def test_it_runs_as_a_module():
    command = [sys.executable, "-m", "downslope", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"downslope {downslope.__version__}\n"


def test_the_typing_marker_is_shipped():
    assert (Path(downslope.__file__).parent / "py.typed").is_file()


def test_the_oldest_versions_allowed_are_those_that_are_tested():
    """``make test-oldest`` runs the core of the suite with ``constraints-oldest.txt``."""
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    allowed = dict(each.split(">=") for each in project["dependencies"])
    lines = (root / "constraints-oldest.txt").read_text().splitlines()
    tested = dict(line.split("==") for line in lines if re.match(r"[a-z]", line))
    for name, version in allowed.items():
        assert tested[name].startswith(version), name
