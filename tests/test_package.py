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


def test_the_lab_is_a_package_that_can_be_called():
    code = "import downslope; assert callable(downslope.lab)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_what_is_not_there_is_said_with_what_is():
    with pytest.raises(AttributeError, match="no 'descend_fast'; it has DescentRegressor"):
        _ = downslope.descend_fast
