"""Where tests find real data, and what every test may use."""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("no clock", deadline=None)
settings.load_profile("no clock")  # a busy machine makes nothing wrong

# A suite in the background of a shell inherits that Ctrl-C is ignored; it is heard here and in
# every process that tests start, as at a terminal.
signal.signal(signal.SIGINT, signal.default_int_handler)

collect_ignore = ["fuzz"]
"""Programs of ``make fuzz``, which installs what they import; not read for doctests."""

PATIENCE = 300
"""Seconds after which what a test waits for is taken to hang, on however busy a machine."""
DATA = Path(os.environ.get("DOWNSLOPE_DATA", Path(__file__).parents[1] / ".." / "shared" / "data"))


def shared(path: str) -> Path:
    """A file of the real-data folder; the test that asks skips where it is absent."""
    found = DATA / path
    if not found.exists():
        pytest.skip(f"{found} is absent; set DOWNSLOPE_DATA to the folder that holds {path}")
    return found


@pytest.fixture
def data_dir() -> Path:
    """The folder of real data."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is absent; set DOWNSLOPE_DATA to the folder of real data")
    return DATA
