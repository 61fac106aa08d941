"""The lab in a notebook: a frame that needs nothing, or a widget with traits where anywidget is."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from downslope.lab.page import Table, one_file, part
from downslope.practice.bank import bank


@dataclass(frozen=True)
class Frame:
    """The lab in a frame of its own, which can reach neither the notebook nor the network."""

    settings: str = ""
    tables: Sequence[Table] = ()
    seed: int = 1
    height: int = 900

    def _repr_html_(self) -> str:
        page = html.escape(one_file(self.settings, self.tables, bank(self.seed)), quote=True)
        return (
            f'<iframe title="Downslope lab" srcdoc="{page}" '
            'sandbox="allow-scripts allow-downloads" loading="lazy" '
            f'style="width: 100%; height: {int(self.height)}px; border: 0"></iframe>'
        )


def notebook(settings: str, tables: Sequence[Table], seed: int, height: int) -> Any:
    """A widget where anywidget is installed, else a frame."""
    if find_spec("anywidget") is None:
        return Frame(settings, tables, seed, height)
    return _widget(settings, tables, seed)


def _widget(settings: str, tables: Sequence[Table], seed: int) -> Any:
    import anywidget
    import traitlets

    class Lab(anywidget.AnyWidget):  # type: ignore[misc]
        """The lab as a widget; ``settings`` follows the page and can be set."""

        _esm = part("lab.js")
        _css = part("lab.css")
        settings = traitlets.Unicode("").tag(sync=True)
        tables = traitlets.List([]).tag(sync=True)
        practice = traitlets.Dict({}).tag(sync=True)

    return Lab(settings=settings, tables=list(tables), practice=bank(seed))
