"""The lab as a page: in one file that needs nothing else, or served in parts."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from downslope.errors import MissingExtraError
from downslope.practice.bank import bank

STATIC = Path(__file__).parent / "static"
TITLE = "Downslope lab"
ALONE = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
"""Policy of the page in one file: nothing from anywhere, so it cannot make a request."""

Table = Mapping[str, Any]


def part(name: str) -> str:
    """Text of a built part of the front end.

    Raises
    ------
    MissingExtraError
        If the front end has not been built.
    """
    path = STATIC / name
    if not path.exists():
        raise MissingExtraError(
            f"The lab's front end {path} is not built; install downslope from a wheel, or run "
            "'make lab' in its source folder."
        )
    return path.read_text(encoding="utf-8")


def one_file(
    settings: str = "", tables: Sequence[Table] = (), practice: Mapping[str, Any] | None = None
) -> str:
    """HTML of the whole lab, which works offline and from a file.

    Parameters
    ----------
    settings : str, default ""
        What follows the ``#`` of the lab's address, such as ``"scene=bowl&rate=0.2"``.
    tables : sequence of dict
        Tables as ``sheets.for_page`` makes them, offered in the scene of one's own data.
    practice : dict or None
        Exercises as ``practice.bank.bank`` makes them; None for those of seed 1.
    """
    whole = {"settings": settings, "tables": list(tables), "practice": practice or bank()}
    # "<" never stands in the embedded data, so no text of it can end the script element.
    data = json.dumps(whole, allow_nan=False)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{ALONE}">
<title>{TITLE}</title>
<style id="lab-style">{part("lab.css")}</style>
</head>
<body>
<div id="downslope-lab"></div>
<script type="application/json" id="lab-data">{data.replace("<", chr(92) + "u003c")}</script>
<script type="module" id="lab-script">{part("lab.js")}</script>
</body>
</html>
"""


def served() -> str:
    """HTML of the lab with its parts beside it, as the server sends it: no inline script."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="lab-server" content="1">
<title>{TITLE}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" id="lab-style" href="lab.css">
</head>
<body>
<div id="downslope-lab"></div>
<script type="module" id="lab-script" src="lab.js"></script>
</body>
</html>
"""
