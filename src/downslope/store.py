"""Models on disk: data, never code.

A saved model is a ZIP file of stored (not compressed) members::

    about.json           format, version, kind, who made it, sizes and checksums of the rest
    content.json         everything that is not an array
    arrays/NAME.npy      numbers and booleans, written and read without pickle

Reading trusts nothing: every member must be stored, expected, of the size and checksum that
``about.json`` gives; an array's header must match its bytes before memory is asked for it. What
does not fit is refused with a ``StoreError``. Nothing in the file can name a place to write to,
and nothing in it is ever run.
"""

import hashlib
import io
import json
import math
import re
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from downslope.errors import StoreError
from downslope.files import write_atomically

Array = Any
T = TypeVar("T")
FORMAT = "downslope"
VERSION = 1
MEMBER = re.compile(r"content\.json|arrays/[a-z][a-z0-9_]{0,63}\.npy")
MOST_MEMBERS = 1000
LONGEST_ABOUT = 1 << 20
DEEPEST = 60
NUMBERS = "fiub"
"""Kinds of arrays that are kept: floats, integers, booleans. An object array would be a pickle."""
HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<dtype>[<|][fiu][1248]|\|b1)', "
    rb"'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>(?:\d{1,18}(?:, ?\d{1,18}){0,7},?)?)\), \} *\n",
    re.DOTALL,
)
"""How NumPy begins an array of numbers. Its own reader hands the header to Python's parser, which
has ways to fail that have nothing to do with arrays."""
BEGINNINGS = {
    b"\x80": "a Python pickle; those can run any program when they are opened, so none is loaded",
    b"\x93NUMPY": "a bare NumPy array",
    b"PAR1": "a Parquet table",
    b"\x1f\x8b": "a gzip file",
    b"\x89HDF": "an HDF5 file",
}


@dataclass(frozen=True)
class Parcel:
    """What a file holds: JSON values and arrays of numbers.

    Parameters
    ----------
    kind : str
        ``"model"``, for example; a reader asks for the kind it knows.
    content : dict
        Strings, finite numbers, booleans, None, and lists and dictionaries of those. JSON has no
        infinity: such numbers go into arrays.
    arrays : dict of str to array
        Names are lower-case letters, digits and underscores.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "w"), Parcel("model", {"target": "y"}, {"w": np.array([3.0])}))
    ...     parcel = read(Path(folder, "w"), "model")
    >>> parcel.content, parcel.arrays["w"]
    ({'target': 'y'}, array([3.]))
    """

    kind: str
    content: dict[str, Any]
    arrays: dict[str, Array] = field(default_factory=dict)


def write(path: str | Path, parcel: Parcel) -> None:
    """Write a parcel, whole or not at all.

    Raises
    ------
    StoreError
        If the content holds something that is not data.
    """
    members = {"content.json": _json(parcel.content)}
    for name, array in parcel.arrays.items():
        members[f"arrays/{name}.npy"] = _npy(name, array)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "kind": parcel.kind,
        "made_by": f"downslope {installed_version('downslope')}",
        "members": {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            for name, data in members.items()
        },
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        # One fixed date, so that equal models are equal files.
        for name, data in {"about.json": _json(about), **members}.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    write_atomically(path, buffer.getvalue())


def read(path: str | Path, kind: str) -> Parcel:
    """Read a parcel of that kind.

    Raises
    ------
    StoreError
        With one sentence: what the file is instead, or what is wrong with it.
    """
    path = Path(path)
    return _guarded(path, lambda archive: _parcel(path, archive, kind))


def inspect(path: str | Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is inside: ``about.json`` and ``content.json``, checked; no array is loaded.

    Raises
    ------
    StoreError
        If the file is no parcel of this program.
    """
    path = Path(path)

    def look(archive: zipfile.ZipFile) -> tuple[dict[str, Any], dict[str, Any]]:
        about = _about(path, archive)
        return about, _parse(_member(path, archive, "content.json", about))

    return _guarded(path, look)


def _guarded(path: Path, use: Callable[[zipfile.ZipFile], T]) -> T:
    """Open, use, close; whatever a damaged file makes the library raise becomes one sentence."""
    try:
        with path.open("rb") as file:
            _check_beginning(path, file.read(8))
            file.seek(0)
            with zipfile.ZipFile(file) as archive:
                return use(archive)
    except FileNotFoundError:
        raise StoreError(
            f"There is no file {str(path)!r}; check the name and the folder."
        ) from None
    except OSError as error:
        raise StoreError(f"{str(path)!r} cannot be read: {error.strerror or error}.") from None
    except _DAMAGE as error:
        raise StoreError(
            f"{path.name!r} is damaged ({_first_line(error)}); use another copy or save it again."
        ) from None


# What zipfile, json and numpy raise on bytes that are not what they should be.
_DAMAGE = (
    zipfile.BadZipFile,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    OverflowError,
)


def _first_line(error: BaseException) -> str:
    text = str(error).partition("\n")[0]
    return text[:120] if text else type(error).__name__


def _check_beginning(path: Path, first: bytes) -> None:
    if first.startswith(b"PK\x03\x04"):
        return
    if not first:
        raise StoreError(f"{path.name!r} is empty; it is no saved model.")
    for beginning, what in BEGINNINGS.items():
        if first.startswith(beginning):
            raise StoreError(f"{path.name!r} is not a model saved by downslope but {what}.")
    raise StoreError(
        f"{path.name!r} is not a model saved by downslope: it begins with {first!r}; "
        "a model comes from `downslope fit ... --out`."
    )


def _about(path: Path, archive: zipfile.ZipFile) -> dict[str, Any]:
    """The first member, and every other one known, stored, and as long as it should be."""
    entries = {entry.filename: entry for entry in archive.infolist()}
    if "about.json" not in entries:
        some = ", ".join(repr(name[:40]) for name in list(entries)[:3]) or "nothing"
        raise StoreError(
            f"{path.name!r} is a ZIP file, but not a model saved by downslope (it holds {some})."
        )
    if len(entries) != len(archive.infolist()) or len(entries) > MOST_MEMBERS:
        raise StoreError(f"{path.name!r} lists members twice or too many; it is refused.")
    for entry in entries.values():
        _check_entry(path, entry)
    if entries["about.json"].file_size > LONGEST_ABOUT:
        raise StoreError(f"{path.name!r} has an about.json of more than 1 MB; it is refused.")
    about = _parse(archive.read("about.json"))
    if about.get("format") != FORMAT:
        raise StoreError(f"{path.name!r} was not saved by downslope; it is refused.")
    if about.get("version") != VERSION:
        raise StoreError(
            f"{path.name!r} has format version {about.get('version')!r}, this program reads "
            f"version {VERSION}; save it again with this version, or install the one that made it "
            f"({str(about.get('made_by', 'unknown'))[:40]!r})."
        )
    sizes = {name: part["bytes"] for name, part in about["members"].items()}
    found = {name: e.file_size for name, e in entries.items() if name != "about.json"}
    if sizes != found:
        raise StoreError(f"{path.name!r} does not hold the members it lists; it is damaged.")
    return about


def _check_entry(path: Path, entry: zipfile.ZipInfo) -> None:
    if entry.filename != "about.json" and not MEMBER.fullmatch(entry.filename):
        raise StoreError(
            f"{path.name!r} holds {entry.filename[:60]!r}, which no model has; it is refused and "
            "nothing was written."
        )
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise StoreError(f"{path.name!r} holds a link ({entry.filename!r}); it is refused.")
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size:
        raise StoreError(
            f"{path.name!r} holds a compressed member ({entry.filename!r}), which could grow "
            "without end; models are stored uncompressed, so it is refused."
        )


def _parcel(path: Path, archive: zipfile.ZipFile, kind: str) -> Parcel:
    about = _about(path, archive)
    if about.get("kind") != kind:
        raise StoreError(f"{path.name!r} holds a {str(about.get('kind'))[:30]}, not a {kind}.")
    parts = {name: _member(path, archive, name, about) for name in about["members"]}
    content = _parse(parts.pop("content.json"))
    arrays = {
        name.removeprefix("arrays/").removesuffix(".npy"): _array(name, data)
        for name, data in parts.items()
    }
    return Parcel(kind, content, arrays)


def _member(path: Path, archive: zipfile.ZipFile, name: str, about: dict[str, Any]) -> bytes:
    data = archive.read(name)
    if hashlib.sha256(data).hexdigest() != about["members"][name]["sha256"]:
        raise StoreError(
            f"{path.name!r} is damaged: the checksum of {name} does not match; use another copy "
            "or save it again."
        )
    return data


def _array(name: str, data: bytes) -> Array:
    """One array, its header checked against its bytes before anything is made of them."""
    header = HEADER.match(data)
    if header is None or int.from_bytes(data[8:10], "little") != header.end() - 10:
        raise ValueError(f"{name} does not begin as an array does; it is not numbers")
    dtype = np.dtype(header["dtype"].decode())
    shape = tuple(int(size) for size in header["shape"].decode().split(",") if size.strip())
    body = data[header.end() :]
    if math.prod(shape) * dtype.itemsize != len(body):
        raise ValueError(f"{name} says shape {shape} but has {len(body)} bytes")
    order: Any = "F" if header["fortran"] == b"True" else "C"
    return np.frombuffer(body, dtype).reshape(shape, order=order).copy()


def _npy(name: str, array: Array) -> bytes:
    array = np.ascontiguousarray(array) if np.ndim(array) else np.asarray(array)
    if array.dtype.kind not in NUMBERS:
        raise StoreError(
            f"Array {name!r} holds {array.dtype}; only numbers are saved, put text into content."
        )
    if not MEMBER.fullmatch(f"arrays/{name}.npy"):
        raise StoreError(f"Array name {name!r}: use lower-case letters, digits and underscores.")
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, version=(1, 0), allow_pickle=False)
    return buffer.getvalue()


def _json(content: dict[str, Any]) -> bytes:
    try:
        return json.dumps(_plain(content), ensure_ascii=True, allow_nan=False, indent=1).encode()
    except (TypeError, ValueError) as error:
        raise StoreError(f"This cannot be saved as data: {error}.") from None


def _plain(value: Any, depth: int = 0) -> Any:
    """Tuples as lists, NumPy's numbers as Python's, keys that are strings."""
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, dict):
        odd = [key for key in value if not isinstance(key, str)]
        if odd:
            raise TypeError(f"the key {odd[0]!r} is not a string")
        return {key: _plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part, depth + 1) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def _parse(data: bytes) -> dict[str, Any]:
    """JSON object from bytes; nesting is measured before the parser sees it."""
    depth = 0
    for mark in re.findall(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', data):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(mark, 0)
        if depth > 2 * DEEPEST:
            raise ValueError("its JSON is nested too deep")
    parsed = json.loads(data)
    if not isinstance(parsed, dict):
        raise ValueError("its JSON is not an object")
    return parsed
