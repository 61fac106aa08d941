"""The bytes of a file -> what they are, out of their wrappings, as UTF-8 where they are text.

What a file is, its first bytes say; its name is only heard where it contradicts them. Nothing is
ever written to disk, so the names inside an archive can do no harm.
"""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from downslope.errors import SettingError, TableError

PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
}
FOREIGN = {
    b"SQLite format 3": "an SQLite database",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file",
    b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array file",
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x80\x04\x95": "a Python pickle",
    b"FEA1": "an old Feather file",
    b"Obj\x01": "an Avro file",
    b"ORC": "an ORC file",
    b"ustar": "a tar archive",  # these bytes stand at 257
}
TYPED = {b"PAR1": "parquet", b"ARROW1": "arrow", b"\xff\xff\xff\xff": "arrow stream"}
MARKS = {
    b"\xef\xbb\xbf": "utf-8",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
OPENERS: dict[str, Callable[[io.BytesIO], Any]] = {
    "gzip": lambda packed: gzip.GzipFile(fileobj=packed),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "zstd": lambda packed: pa.CompressedInputStream(packed, "zstd"),
    "zip": lambda packed: _only_member(zipfile.ZipFile(packed)),
}
SUFFIXES = {
    ".gz": "gzip",
    ".bz2": "bzip2",
    ".xz": "xz",
    ".zst": "zstd",
    ".zip": "zip",
    ".parquet": "parquet",
    ".feather": "arrow",
    ".arrow": "arrow",
}
BROKEN = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError),
    *(zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError),
)
LARGEST, RATIO = 1 << 28, 200  # bytes unpacked, and times the packed size, that only a bomb exceeds


def unpack(name: str, data: bytes) -> bytes:
    """The bytes inside however many wrappings."""
    if not data:
        raise TableError(f"{name}: the file is empty (0 bytes); there is nothing to read.")
    claimed, found = SUFFIXES.get(Path(name).suffix.lower()), kind_of(data)
    if claimed and found == "text":
        raise TableError(
            f"{name}: the name says {claimed}, but the bytes begin {data[:8]!r}; rename the file "
            "to what it is, or fetch it again if it should be that."
        )
    for _ in range(3):
        if found not in PACKED.values():
            break
        data = _unwrapped(name, data, found)
        found = kind_of(data)
        if not data:
            raise TableError(f"{name}: what is packed inside is empty (0 bytes).")
    if found in FOREIGN.values() or found in PACKED.values():
        raise TableError(f"{name} holds {found}, not a table; save the table as CSV or Parquet.")
    return data


def kind_of(data: bytes) -> str:
    """What the first bytes say."""
    if data[257:262] == b"ustar":
        return FOREIGN[b"ustar"]
    magics = PACKED | FOREIGN | TYPED
    return next((magics[magic] for magic in magics if data.startswith(magic)), "text")


def _unwrapped(name: str, data: bytes, packing: str) -> bytes:
    """What one wrapping holds, unless it is broken or swells without end."""
    try:
        with OPENERS[packing](io.BytesIO(data)) as stream:
            content: bytes = stream.read(LARGEST)
            while len(content) <= RATIO * len(data) and (more := stream.read(LARGEST)):
                content += more
            if len(content) > max(RATIO * len(data), LARGEST - 1) and stream.read(1):
                raise TableError(
                    f"{len(data):,} bytes that unpack to more than {len(content):,}; unpack it "
                    "yourself if that is meant."
                )
    except TableError as error:
        raise TableError(f"{name} holds {error}") from None
    except BROKEN as error:
        raise TableError(f"{name}: the {packing} file is broken or locked ({error}).") from None
    return content


def _only_member(archive: zipfile.ZipFile) -> Any:
    """The one table in a zip, opened in memory: its name is never a path."""
    names = [member.filename for member in archive.infolist() if not member.is_dir()]
    tables = [m for m in names if not m.startswith("__MACOSX/") and Path(m).name[:1] != "."]
    if any(member.startswith("xl/") for member in names):
        raise TableError("an Excel workbook, not a table; save the sheet as CSV.")
    if len(tables) != 1:
        listed = ", ".join(tables[:5]) + ", ..." * (len(tables) > 5)
        raise TableError(f"{len(tables)} files ({listed}); unpack it and name the one table.")
    return archive.open(tables[0])


# --- text ----


def to_utf8(data: bytes, encoding: str | None, name: str) -> tuple[bytes, tuple[str, ...]]:
    """The text in UTF-8 without a mark, and a note where its encoding was guessed."""
    guessed = encoding or _encoding_by_marks(data)
    if guessed is None and _is_binary(data):
        raise TableError(
            f"{name} is not text: it holds signs such as {data[:8]!r}; name a table, or pass "
            "--encoding (encoding=) if it is text after all."
        )
    try:
        text = data.decode(guessed or "utf-8")
    except LookupError:
        raise SettingError(
            f"encoding={encoding!r} is not known; give one such as 'utf-8', 'cp1252' or 'utf-16'."
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        odd = f"line {line}: byte {data[error.start]:#04x}"
        if guessed or sum(byte >= 0x80 for byte in data[:4096]) > 0.3 * len(data[:4096]):
            raise TableError(
                f"{name}, {odd} is not {guessed or 'UTF-8'}; pass the right --encoding (encoding=)."
            ) from None
        western = _western(data)
        note = (
            f"{odd} is not UTF-8; the text was read as {western} (Western European): if "
            "names look wrong, pass --encoding (encoding=)."
        )
        return data.decode(western).encode(), (note[0].upper() + note[1:],)
    if guessed is None and not data.startswith(b"\xef\xbb\xbf"):
        return data, ()
    return text.removeprefix("\ufeff").encode(), ()


def _encoding_by_marks(data: bytes) -> str | None:
    """What a byte-order mark says, or the zeros that UTF-16 puts at every other place."""
    for mark, encoding in MARKS.items():
        if data.startswith(mark):
            return encoding
    start = np.frombuffer(data[:4096], np.uint8)
    even, odd = (start[0::2] == 0).mean(), (start[1::2] == 0).mean() if len(start) > 1 else 0.0
    if odd > 0.5 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.5 and odd < 0.1 else None


def _is_binary(data: bytes) -> bool:
    """Zeros anywhere, or many control signs at the start: no text has them."""
    start = data[:4096]
    control = sum(byte < 32 and byte not in b"\t\n\r\f\v" for byte in start)
    return b"\0" in data or control > 0.1 * len(start)


def _western(data: bytes) -> str:
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"
