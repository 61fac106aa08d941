"""The lab: an interactive page on which gradient descent is seen, tried and measured.

``downslope.lab()`` shows it in a notebook, ``downslope.lab.serve()`` serves it on this machine, and
``downslope.lab.save("lab.html")`` writes it to one file that works offline.
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl, urlencode

from downslope.files import write_atomically

__all__ = ["lab", "save", "serve"]


def lab(
    data: Any = None,
    target: str | None = None,
    *,
    settings: str = "",
    seed: int = 1,
    height: int = 900,
) -> Any:
    """The lab in a notebook.

    Parameters
    ----------
    data : path, data frame or array, optional
        A table for the scene of one's own data.
    target : str, optional
        Column to predict.
    settings : str, default ""
        What follows the ``#`` of a lab's address, such as ``"scene=bowl&rate=0.2"``.
    seed : int, default 1
        Of the practice room's exercises; a class with one seed gets the same.
    height : int, default 900
        Of the frame, in pixels, where there is no anywidget.

    Returns
    -------
    anywidget.AnyWidget or Frame
        A widget whose ``settings`` follow the page where the extra ``notebook`` is installed; else
        a frame.
    """
    from downslope.lab.widget import notebook

    settings, tables = _opening(data, target, settings)
    return notebook(settings, tables, seed, height)


def save(
    path: str | Path,
    data: Any = None,
    target: str | None = None,
    *,
    settings: str = "",
    seed: int = 1,
) -> None:
    """Write the lab to one HTML file, which works offline and makes no request.

    Parameters
    ----------
    path : str or Path
    data, target, settings
        As for ``lab``; up to 3,000 evenly chosen rows of the data go into the file.
    seed : int, default 1
        Of the exercises in the file; a class with one seed gets the same.
    """
    from downslope.lab.page import one_file
    from downslope.practice.bank import bank

    settings, tables = _opening(data, target, settings)
    write_atomically(path, one_file(settings, tables, bank(seed)).encode())


def serve(data: Any = None, target: str | None = None, **options: Any) -> None:
    """Serve the lab on this machine until interrupted; see ``downslope.lab.server.serve``."""
    from downslope.lab.server import serve as serve_now

    serve_now(data, target, **options)


def _opening(data: Any, target: str | None, settings: str) -> tuple[str, list[dict[str, Any]]]:
    """Settings and tables that a page opens with."""
    if data is None:
        return settings, []
    from downslope.lab.sheets import for_page, open_sheet

    sheet = open_sheet(data)
    if target is not None:
        sheet.column(target)
    chosen = {"scene": "data", "table": sheet.name, **({"target": target} if target else {})}
    return urlencode(chosen | dict(parse_qsl(settings))), [for_page(sheet)]


class _Lab(ModuleType):
    """Lets ``downslope.lab(...)`` open the lab, though ``downslope.lab`` is also this package."""

    def __call__(self, *args: Any, **options: Any) -> Any:
        return lab(*args, **options)


sys.modules[__name__].__class__ = _Lab
