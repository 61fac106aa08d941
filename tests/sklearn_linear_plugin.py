r"""pytest plugin: our adapters in scikit-learn's place before its own tests are imported.

    DOWNSLOPE_OUTCOMES=out.json python -m pytest -p sklearn_linear_plugin \
        --pyargs sklearn.linear_model.tests.test_huber

The file then says of each test whether it passed, why not, and whether one of ours was asked for a
fit in it. A test that takes longer than ``LIMIT`` seconds of work has failed.
"""

import json
import os
import signal
from pathlib import Path

import pytest

LIMIT = 120
outcomes: dict[str, dict] = {}


class TooLong(Exception):
    """A test that did not come back."""


def ring(*_):
    raise TooLong(f"no result in {LIMIT} s of work")


def pytest_configure() -> None:
    """Not at import: other runs import this file too, to look for doctests."""
    import sklearn_adapters

    signal.signal(signal.SIGPROF, ring)
    for module, name, adapter in sklearn_adapters.SWAPPED:
        setattr(module, name, adapter)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    import sklearn_adapters

    before = sklearn_adapters.asked
    said = {"passed": False, "why": ""}
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    try:
        result = yield
        said["passed"] = True
        return result
    except BaseException as error:
        said["why"] = f"{type(error).__name__}: {error}"
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        said["ours"] = sklearn_adapters.asked > before
        if not said["why"].startswith("Skip"):
            outcomes[item.nodeid.partition("::")[2]] = said


def pytest_sessionfinish() -> None:
    Path(os.environ["DOWNSLOPE_OUTCOMES"]).write_text(json.dumps(outcomes), encoding="utf-8")
