"""``downslope lab``: the interactive page, served on this machine or written to one file."""

from typing import Annotated

import typer

import downslope.cli.options as o
from downslope.cli.codes import DONE

Table = Annotated[str | None, typer.Argument(help="A table of your own to explore; none is fine.")]
Port = Annotated[int, typer.Option(help="Where to listen; the next free port if it is taken.")]
Browser = Annotated[
    bool, typer.Option("--browser/--no-browser", help="Open the page, or only say its address.")
]
OneFile = Annotated[
    str | None, typer.Option("--save", help="Write the page to one HTML file and do not serve it.")
]


def lab(
    data: Table = None,
    target: o.Target = None,
    port: Port = 8765,
    browser: Browser = True,
    save: OneFile = None,
) -> int:
    """Open the lab: see gradient descent, change it, and watch what happens.

    Example: downslope lab cars.csv --target price
    """
    from downslope.cli.learning import Keeping

    if save is not None:
        Keeping(report=save).check()
        from downslope.lab import save as write

        write(save, data, target)
        typer.echo(f"The lab is in {save}; open it in any browser.")
        return DONE
    from downslope.lab import serve

    serve(data, target, port=port, open_browser=browser)
    return DONE
