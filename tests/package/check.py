"""The wheel alone in an empty environment; the sdist builds the same wheel; the oldest versions.

    python tests/package/check.py wheel     builds both, installs the wheel's base alone, runs it
    python tests/package/check.py oldest    the suite's core with the oldest dependencies allowed

``make package`` and ``make test-oldest``. Both need a package index, so neither is in the suite.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = "size,kind,price\n" + "".join(f"{i},{'ab'[i % 2]},{3 * i + i % 2}\n" for i in range(40))
CORE = (
    *("test_bowl", "test_least_squares", "test_lasso", "test_kernels", "test_losses", "test_rules"),
    *(
        "test_tables",
        "test_cells",
        "test_nasty_tables",
        "test_store",
        "test_saving",
        "test_descend",
    ),
    *("test_estimators", "test_drop_in", "test_predicting", "test_formula", "test_architecture"),
    *("test_plots", "test_lab_server", "test_fitting_files"),
)
"""Test files that need nothing but the base, and between them touch every dependency of it."""


def run(*command, **options):
    """Run, show what is run, and stop where it fails."""
    print("$", *command, flush=True)
    subprocess.run([str(part) for part in command], check=True, **options)


def built(folder, source=ROOT):
    """Wheel and sdist of a source tree."""
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, cwd=source)
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def members(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


def environment(folder, constraints, *packages):
    """A new environment with these packages; its Python."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "-q")
    run(*pip, "install", "-c", ROOT / constraints, *packages)
    return python


def outside():
    """Environment variables of a shell that knows nothing of this tree."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


def check_wheel(folder):
    wheel, sdist = built(folder / "dist")
    assert "downslope/py.typed" in members(wheel), "the typing marker is not shipped"
    assert "downslope/lab/static/lab.js" in members(wheel), "the lab is not shipped"
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    again, _ = built(folder / "again", next((folder / "unpacked").iterdir()))
    assert members(again) == members(wheel), "the sdist builds another wheel"
    python = environment(folder / "empty", "constraints.txt", wheel)
    place = folder / "place"
    place.mkdir()
    (place / "t.csv").write_text(TABLE)
    downslope = python.parent / "downslope"
    for command in (
        (downslope, "--version"),
        (python, "-m", "downslope", "fit", "t.csv", "--target", "price", "--out", "m"),
        (downslope, "inspect", "m"),
        (downslope, "export", "m", "--to", "json", "-o", "m.json"),
        (downslope, "predict", "m", "t.csv", "-o", "p.csv"),
        (downslope, "minima", "(w^2 - 1)^2 + w"),
    ):
        run(*command, cwd=place, env=outside())
    print("the wheel is whole")


def check_oldest(folder):
    wheel, _ = built(folder / "dist")
    tools = ("pytest", "hypothesis", "httpx")
    python = environment(folder / "oldest", "constraints-oldest.txt", wheel, *tools)
    files = [ROOT / "tests" / f"{name}.py" for name in CORE]
    options = ("-q", "-p", "no:cacheprovider", "-W", "default", "-c", ROOT / "pyproject.toml")
    run(python, "-m", "pytest", *options, *files, cwd=ROOT / "tests", env=outside())


def main():
    check = {"wheel": check_wheel, "oldest": check_oldest}[sys.argv[1]]
    with tempfile.TemporaryDirectory() as folder:
        check(Path(folder))


if __name__ == "__main__":
    main()
