"""Real tables, raw columns: one-hot where they are words, nothing scaled.

The folder is named by ``DOWNSLOPE_DATA``; a table that is absent is left out.
"""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas
from sklearn.datasets import load_svmlight_file

from benchmarks.convex.objective import Problem

DATA = Path(os.environ.get("DOWNSLOPE_DATA", "../shared/data"))


def _matrix(frame: pandas.DataFrame) -> np.ndarray:
    return (
        pandas.get_dummies(frame, drop_first=True)
        .fillna(frame.median(numeric_only=True))
        .to_numpy(float)
    )


def adult() -> Problem:
    frame = pandas.read_csv(DATA / "tables/adult.data", header=None, skipinitialspace=True)
    y = np.where(frame.pop(14).str.startswith(">"), 1.0, -1.0)
    return Problem("adult", _matrix(frame), y, "logistic", 1e-6)


def housing() -> Problem:
    frame = pandas.read_csv(DATA / "tables/housing.csv")
    y = frame.pop("median_house_value").to_numpy(float)
    return Problem("housing", _matrix(frame), y / y.std(), "squared", 1e-8)


def diamonds() -> Problem:
    frame = pandas.read_csv(DATA / "tables/diamonds.csv")
    y = frame.pop("price").to_numpy(float)
    return Problem("diamonds", _matrix(frame), y / y.std(), "squared", 1e-8)


def a9a() -> Problem:
    X, y = load_svmlight_file(str(DATA / "sparse/a9a"), n_features=123)
    return Problem("a9a", X.toarray(), y, "logistic", 1.0 / len(y))


def mnist() -> Problem:
    images = gzip.decompress((DATA / "images/t10k-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((DATA / "images/t10k-labels-idx1-ubyte.gz").read_bytes())
    X = np.frombuffer(images, np.uint8, offset=16).reshape(10_000, 784).astype(float)
    y = np.frombuffer(labels, np.uint8, offset=8).astype(float)
    return Problem("mnist", X, y, "multinomial", 1.0)


def covtype_like() -> Problem:
    """The shape of covtype (581,012 x 54, 44 of them dummies), made here."""
    random = np.random.default_rng(0)
    n = 581_012
    numbers = random.gamma(2.0, size=(n, 10)) * np.logspace(0, 3.5, 10) + np.logspace(3.5, 0, 10)
    area, soil = random.choice(4, n, p=[0.45, 0.05, 0.44, 0.06]), random.zipf(1.5, n) % 40
    X = np.column_stack([numbers, np.eye(4)[area], np.eye(40)[soil]])
    z = (X - X.mean(0)) / X.std(0) @ random.normal(size=54)
    y = np.where(z / z.std() * 2 + random.logistic(size=n) > 0, 1.0, -1.0)
    return Problem("covtype_like", X, y, "logistic", 1e-6)


FILES = {
    "tables/adult.data": adult,
    "tables/housing.csv": housing,
    "tables/diamonds.csv": diamonds,
    "sparse/a9a": a9a,
    "images/t10k-images-idx3-ubyte.gz": mnist,
}
PROBLEMS = {make.__name__: make for file, make in FILES.items() if (DATA / file).exists()}
PROBLEMS["covtype_like"] = covtype_like
