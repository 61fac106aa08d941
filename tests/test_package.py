"""The front door: public names are there, load lazily, and stay what they are."""

import subprocess
import sys
from importlib import import_module

import pytest

import downslope


@pytest.mark.parametrize("name", downslope.HOMES)
def test_public_names_are_what_their_files_hold(name):
    home = import_module(f"downslope.{downslope.HOMES[name]}")
    assert getattr(downslope, name) is getattr(home, name)
    assert name in dir(downslope)


def test_a_function_keeps_its_name_when_its_file_is_loaded():
    code = (
        "import downslope.sweep, downslope.diagnose\n"
        "from downslope.sweep import Sweep\n"
        "from downslope import sweep, diagnose\n"
        "assert callable(sweep) and callable(diagnose) and callable(downslope.lab)\n"
        "assert Sweep.__module__ == 'downslope.sweep'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_not_there_is_said_with_what_is():
    with pytest.raises(AttributeError, match="no 'descend_fast'; it has DescentRegressor"):
        _ = downslope.descend_fast
