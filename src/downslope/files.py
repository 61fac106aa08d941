"""Files that are whole or not there."""

import os
from pathlib import Path


def write_atomically(path: str | Path, content: bytes) -> None:
    """Write beside the final name, flush to the disk, rename: whole or not there.

    A link stays a link, and a pipe or a device is written to as it is.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder, "w.txt"), b"0.6")
    ...     Path(folder, "w.txt").read_text(), len(os.listdir(folder))
    ('0.6', 1)
    """
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say of what
        raise
    finally:
        beside.unlink(missing_ok=True)
