"""Models on disk: what goes in comes out, and nothing else is ever opened."""

import hashlib
import io
import json
import os
import pickle
import stat
import zipfile

import numpy as np
import pytest
from conftest import shared
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from downslope import store
from downslope.errors import StoreError
from downslope.store import Parcel, inspect, read, write

PARCEL = Parcel(
    "model",
    {"target": "price", "names": ["a", "b\n", "日本語", "\ud800"], "deep": {"x": [1, 2.5, None]}},
    {"coef": np.array([[1.5, -2.0]]), "seen": np.array([True, False]), "n": np.array(7)},
)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "model"
    write(path, PARCEL)
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def rewrite(path, parts, *, compress=zipfile.ZIP_STORED, mode=0):
    """The same file with other members, as somebody with bad intent would make it."""
    with zipfile.ZipFile(path, "w", compress) as archive:
        for name, data in parts.items() if isinstance(parts, dict) else parts:
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = mode << 16, compress
            archive.writestr(entry, data)


def relisted(parts):
    """``about.json`` made to agree with the other members: a forger can do that too."""
    about = json.loads(parts["about.json"])
    about["members"] = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in parts.items()
        if name != "about.json"
    }
    return {**parts, "about.json": json.dumps(about).encode()}


def refused(path):
    """The one sentence with which a file is refused."""
    with pytest.raises(StoreError) as caught:
        read(path, "model")
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def same(one, other):
    assert one.kind == other.kind
    assert one.content == other.content
    assert one.arrays.keys() == other.arrays.keys()
    for name, array in one.arrays.items():
        assert other.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(other.arrays[name], array)


def test_what_goes_in_comes_out(saved):
    same(PARCEL, read(saved, "model"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
ARRAYS = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)


@given(st.dictionaries(st.text(), JSON, max_size=4), ARRAYS)
@settings(max_examples=60, deadline=None)
def test_any_content_and_any_numbers_come_back(tmp_path_factory, content, array):
    path = tmp_path_factory.mktemp("store") / "model"
    parcel = Parcel("model", content, {"a": array})
    write(path, parcel)
    same(parcel, read(path, "model"))


def test_equal_models_are_equal_files(saved, tmp_path):
    write(tmp_path / "again", PARCEL)
    assert saved.read_bytes() == (tmp_path / "again").read_bytes()


def test_inspecting_lists_the_members_without_loading_them(saved):
    about, content = inspect(saved)
    assert content == PARCEL.content
    assert about["kind"] == "model"
    assert about["members"].keys() == {
        "content.json",
        "arrays/coef.npy",
        "arrays/seen.npy",
        "arrays/n.npy",
    }


def test_another_kind_is_refused(saved):
    with pytest.raises(StoreError, match="holds a model, not a run"):
        read(saved, "run")


class Bomb:
    """Would write a file if anything unpickled it."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_unopened(tmp_path, protocol):
    path = tmp_path / "model"
    path.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded"), protocol=protocol))
    assert "pickle" in refused(path)
    assert not (tmp_path / "exploded").exists()


def test_a_pickle_inside_an_array_is_refused_unopened(saved, tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(tmp_path / "exploded")], dtype=object), allow_pickle=True)
    rewrite(saved, relisted({**members(saved), "arrays/coef.npy": buffer.getvalue()}))
    assert "not numbers" in refused(saved)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "arrays/../../evil.npy", "a\\b", "x.pkl"])
def test_a_member_with_another_name_is_refused_and_nothing_written(saved, name, tmp_path):
    rewrite(saved, relisted({**members(saved), name: b"evil"}))
    assert "which no model has" in refused(saved)
    assert sorted(p.name for p in tmp_path.parent.rglob("*evil*") if p.is_file()) == []


def test_a_link_is_refused(saved):
    rewrite(saved, members(saved), mode=stat.S_IFLNK | 0o777)
    assert "link" in refused(saved)


def test_a_compressed_member_is_refused_before_it_is_opened(saved):
    rewrite(
        saved, {**members(saved), "arrays/coef.npy": bytes(10**7)}, compress=zipfile.ZIP_DEFLATED
    )
    assert "compressed" in refused(saved)


def test_a_member_twice_is_refused(saved):
    with pytest.warns(UserWarning, match="Duplicate name"):
        rewrite(saved, [*members(saved).items(), ("about.json", b"{}")])
    assert "twice" in refused(saved)


def test_an_array_that_claims_more_than_it_has_is_refused_before_memory_is_asked_for(saved):
    honest = members(saved)["arrays/coef.npy"]
    claim = honest.replace(b"(1, 2)", b"(9999999999999, 2)")
    head = len(honest) - 16
    assert claim != honest
    padded = claim[: head - (len(claim) - len(honest))] + honest[head:]
    rewrite(saved, relisted({**members(saved), "arrays/coef.npy": padded}))
    refused(saved)


def test_another_version_is_refused_with_both(saved, monkeypatch):
    monkeypatch.setattr(store, "VERSION", 2)
    sentence = refused(saved)
    assert "version 1" in sentence
    assert "version 2" in sentence


def test_json_that_is_nested_without_end_is_refused(saved):
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    rewrite(saved, relisted({**members(saved), "content.json": deep}))
    assert "nested too deep" in refused(saved)


def test_a_number_nobody_can_read_is_refused(saved):
    long = b'{"a": ' + b"9" * 10_000 + b"}"
    rewrite(saved, relisted({**members(saved), "content.json": long}))
    refused(saved)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("content.json", b"[1]", "is not an object"),
        ("arrays/coef.npy", b"no numbers", "does not begin as an array does"),
        ("about.json", b" " * 2_000_000, "more than 1 MB"),
        ("about.json", b'{"format": "other"}', "not saved by downslope"),
    ],
)
def test_members_that_are_not_what_they_should_be_are_refused(saved, name, data, said):
    parts = {**members(saved), name: data}
    rewrite(saved, parts if name == "about.json" else relisted(parts))
    assert said in refused(saved)


def test_a_member_that_is_not_listed_is_refused(saved):
    parts = members(saved)
    rewrite(saved, {**relisted(parts), "arrays/more.npy": parts["arrays/coef.npy"]})
    assert "does not hold the members it lists" in refused(saved)


FOREIGN = {
    "empty": b"",
    "text": b"price,size\n1,2\n",
    "numpy": b"\x93NUMPY\x01\x00",
    "parquet": b"PAR1....PAR1",
    "gzip": b"\x1f\x8b\x08\x00",
    "only a beginning": b"PK\x03\x04",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_is_refused(tmp_path, what):
    path = tmp_path / "model"
    path.write_bytes(FOREIGN[what])
    refused(path)


def test_a_zip_of_something_else_and_a_folder_and_nothing_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "model", "w") as archive:
        archive.writestr("table.csv", "a,b\n")
    assert "table.csv" in refused(tmp_path / "model")
    refused(tmp_path)
    assert "There is no file" in refused(tmp_path / "absent")


def test_the_shared_zip_slip_is_refused_and_writes_nothing(tmp_path):
    slip = shared("bad_inputs/zip_slip.zip")
    before = set(tmp_path.parent.rglob("*"))
    refused(slip)
    assert set(tmp_path.parent.rglob("*")) == before


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_cut_and_no_flipped_bit_goes_unseen(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("store") / "model"
    write(path, PARCEL)
    whole = path.read_bytes()
    if data.draw(st.booleans()):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        refused(path)
        return
    at, bit = data.draw(st.integers(0, len(whole) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(whole)
    flipped[at] ^= 1 << bit
    path.write_bytes(bytes(flipped))
    try:
        parcel = read(path, "model")
    except StoreError:
        return
    same(PARCEL, parcel)  # a bit that no reader looks at, such as a member's date


def nested(depth):
    return {"a": nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("content", "arrays"),
    [
        ({"f": print}, {}),
        ({"x": float("nan")}, {}),
        ({3: 4}, {}),
        (nested(200), {}),
        ({}, {"a": np.array(["text"])}),
        ({}, {"a": np.array([None])}),
        ({}, {"../a": np.zeros(1)}),
    ],
)
def test_what_is_not_data_is_not_written(tmp_path, content, arrays):
    with pytest.raises(StoreError):
        write(tmp_path / "model", Parcel("model", content, arrays))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_whole(saved, monkeypatch):
    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "disk full")))
    with pytest.raises(OSError, match="disk full"):
        write(saved, Parcel("model", {"other": 1}))
    assert saved.read_bytes() == before
    assert [path.name for path in saved.parent.iterdir()] == ["model"]
