"""Cached rows: the same rows to the bit, within bounds, and never half a cache."""

import os
import time

import numpy as np
import pytest

from downslope.errors import DownslopeWarning
from downslope.sources.blocks import BlockRows
from downslope.sources.cache import cached
from downslope.sources.memory import Rows


def source(whole=False, weighted=False, n=1000, d=3):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 9, size=(n, d)).astype(float)
    if not whole:
        X[n // 2 :] += rng.random((n - n // 2, d))
    y, w = rng.random(n), rng.random(n)
    reads = []

    def read(i):
        reads.append(i)
        rows = slice(100 * i, 100 * i + 100)
        yield Rows(X[rows], y[rows], w[rows] if weighted else None)

    return BlockRows(read, n // 100, n, d), X, y, w, reads


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_the_same_rows_to_the_bit_without_the_source(whole, weighted, tmp_path, monkeypatch):
    monkeypatch.setattr("downslope.sources.cache.BLOCK_BYTES", 500)
    rows, X, y, w, reads = source(whole, weighted)
    for _ in range(2):
        kept = cached(rows, tmp_path, "key")
        got = kept.sample(10**6, 0)
        np.testing.assert_array_equal(got.X, X)
        np.testing.assert_array_equal(got.y, y)
        if weighted:
            np.testing.assert_array_equal(got.weights, w)
        assert got.X.dtype == (np.float32 if whole else np.float64)
    assert len(reads) == 10
    assert kept.n_parts > 10
    assert kept.total(lambda block: float(block.y.sum())) == pytest.approx(y.sum())


@pytest.mark.parametrize("damage", ["shape", "truncate", "version"])
def test_a_broken_cache_is_written_again(damage, tmp_path):
    rows, X, _, _, reads = source()
    cached(rows, tmp_path, "key")
    shape, features = tmp_path / "key" / "shape.json", tmp_path / "key" / "X"
    if damage == "shape":
        shape.unlink()
    elif damage == "truncate":
        features.write_bytes(features.read_bytes()[:-1])
    else:
        shape.write_text(shape.read_text().replace('"version": 1', '"version": 0'))
    got = cached(rows, tmp_path, "key").sample(10**6, 0)
    np.testing.assert_array_equal(got.X, X)
    assert len(reads) == 20


def test_the_oldest_cache_gives_way_and_one_too_large_is_not_written(tmp_path):
    rows, *_ = source()
    size = 1000 * 5 * 8
    for key in ("a", "b", "c"):
        cached(rows, tmp_path, key, limit=int(2.2 * size))
    assert {path.name for path in tmp_path.iterdir()} == {"b", "c"}
    with pytest.warns(DownslopeWarning, match="pass the limit"):
        assert cached(rows, tmp_path, "d", limit=size // 2) is rows


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    rows, *_ = source()
    with pytest.warns(DownslopeWarning, match="cannot be written"):
        assert cached(rows, tmp_path / "file", "key") is rows


def test_a_disk_that_is_full_is_said_and_nothing_stays(tmp_path, monkeypatch):
    def full(writer, block):
        raise OSError("8388608 requested and 0 written")  # NumPy's words, without a number

    monkeypatch.setattr("downslope.sources.cache.Writer.add", full)
    rows, *_ = source()
    with pytest.warns(DownslopeWarning, match=r"cannot be written \(the disk is full\)"):
        assert cached(rows, tmp_path, "key") is rows
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_removed_after_a_day(tmp_path):
    for name, hours in (("old", 25.0), ("young", 1.0)):
        left = tmp_path / name
        left.mkdir()
        (left / "X").write_bytes(bytes(8))
        for path in (left / "X", left):
            os.utime(path, times=(time.time() - 3600.0 * hours,) * 2)
    cached(source()[0], tmp_path, "key")
    assert {path.name for path in tmp_path.iterdir()} == {"young", "key"}


def test_folders_of_other_people_are_never_removed(tmp_path):
    for name, inside in (("thesis", "chapter1.tex"), ("X", "X"), ("model", "shape.json"), ("", "")):
        other = tmp_path / (name or "empty")
        other.mkdir()
        if inside:
            (other / inside).write_text("mine")
            (other / "notes.txt").write_text("mine too")
        for path in (*other.iterdir(), other):
            os.utime(path, times=(time.time() - 1e6,) * 2)
    before = {path: path.stat().st_mtime for path in tmp_path.rglob("*")}
    size = 1000 * 5 * 8
    for key in ("a", "b"):  # room for one of them only
        cached(source()[0], tmp_path, key, limit=int(1.2 * size))
    assert before.items() <= {path: path.stat().st_mtime for path in tmp_path.rglob("*")}.items()
    assert not (tmp_path / "a").exists()
