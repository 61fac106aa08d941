"""Coverage-guided fuzzing of everything that reads what strangers wrote, by atheris (libFuzzer).

    python tests/fuzz/readers.py formula -runs=100000 -timeout=10 -rss_limit_mb=1000

The readers are ``formula`` (typed formulas), ``model`` (model files, with checksums made right
again so that the content behind them is reached), ``store`` (the bytes as they come), ``table``
(any bytes as a table). Every input must be read, or refused by an error of ours: any other
exception, ten seconds, or a gigabyte end the run and leave the input in a file.
``make fuzz`` runs all four; Linux and macOS only, as atheris is.
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import atheris
import numpy as np

READING = ["downslope.tables", "downslope.problems", "downslope.store", "downslope.fitting.model"]
with atheris.instrument_imports(include=READING):  # kernels are compiled from their bytecode
    from downslope.errors import DownslopeError
    from downslope.fitting.model import load
    from downslope.problems.formula import parse
    from downslope.tables import Encoder, read_table, understand

FOLDER = Path(tempfile.mkdtemp())
MODEL = FOLDER / "seed"


def formula(data: bytes) -> None:
    """A formula, its value and its slope somewhere."""
    text = data.decode("utf-8", "ignore")
    problem = parse(text)
    problem.value_and_gradient(np.full(len(problem.names), 0.5))


def store(data: bytes) -> None:
    """Bytes as a model file."""
    path = FOLDER / "model"
    path.write_bytes(data)
    load(path)


def model(data: bytes) -> None:
    """A model whose members were changed by somebody who knows how to mend checksums."""
    choose = atheris.FuzzedDataProvider(data)
    with zipfile.ZipFile(MODEL) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    names = sorted(set(parts) - {"about.json"})
    for _ in range(choose.ConsumeIntInRange(1, 3)):
        name = names[choose.ConsumeIntInRange(0, len(names) - 1)]
        part = bytearray(parts[name])
        at = choose.ConsumeIntInRange(0, len(part))
        cut = choose.ConsumeIntInRange(0, 8)
        part[at : at + cut] = choose.ConsumeBytes(choose.ConsumeIntInRange(0, 12))
        parts[name] = bytes(part)
    about = json.loads(parts["about.json"])
    about["members"] = {
        name: {"bytes": len(parts[name]), "sha256": hashlib.sha256(parts[name]).hexdigest()}
        for name in names
    }
    parts["about.json"] = json.dumps(about).encode()
    path = FOLDER / "model"
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    loaded = load(path)
    found = loaded.predict(read_table({"x": ["1", "2"], "c": ["a", "b"]}))
    assert len(found.values) == 2


def table(data: bytes) -> None:
    """Bytes as a table, understood and made into features."""
    path = FOLDER / "t.csv"
    path.write_bytes(data)
    read = read_table(path)
    view = understand(read, None if read.sparse is not None else -1)
    X = Encoder.learn(view).encode(read).X
    numbers = X if isinstance(X, np.ndarray) else X.data
    assert np.isfinite(numbers).all(), "features that are not finite"


SEED = """
import sys
from downslope.fitting.fit import Ask, fit, prepare
from downslope.tables import read_table
table = read_table({"x": [*"1234567", "", "9.5"], "c": [*"abababaab"], "y": [*"12321231", "2.5"]})
fit(prepare(table, Ask(target="y", task="regression", test_size=0.0))).model().save(sys.argv[1])
"""
"""A model to change: a number with gaps and a category. Numba compiles nothing under atheris."""


READERS = {"formula": formula, "store": store, "model": model, "table": table}


def main() -> None:
    read = READERS[sys.argv.pop(1)]
    warnings.simplefilter("ignore")
    subprocess.run([sys.executable, "-c", SEED, str(MODEL)], check=True)

    def one(data: bytes) -> None:
        try:
            with np.errstate(all="ignore"):
                read(data)
        except DownslopeError as error:
            if "\n" in str(error):
                raise RuntimeError("not one sentence") from error

    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
