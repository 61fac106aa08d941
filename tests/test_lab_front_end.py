"""The lab's own tests, type check and lock file, run from here where Node is."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

LAB = Path(__file__).parents[1] / "lab"


def node(*arguments: str) -> None:
    """Run Node in the lab's folder; its output is the message of a failure."""
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    if not (LAB / "node_modules").is_dir():
        pytest.skip("lab/node_modules is absent; run npm ci in lab/")
    ended = subprocess.run(["node", *arguments], cwd=LAB, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]


def test_engine():
    node("test.mjs")


def test_types():
    node("node_modules/typescript/bin/tsc", "--noEmit")


def test_lock_file_carries_no_addresses():
    text = (LAB / "package-lock.json").read_text()
    assert "://" not in text
    wanted = json.loads((LAB / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    locked = json.loads(text)["packages"]
    for name, version in versions.items():
        assert locked[f"node_modules/{name}"]["version"] == version
