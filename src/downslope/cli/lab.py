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
Settings = Annotated[
    str, typer.Option(help="What follows the # of a lab's address: opens the page like that.")
]
Seed = Annotated[
    int, typer.Option(min=0, help="Of the practice room's exercises: the same for a whole class.")
]


def lab(
    data: Table = None,
    target: o.Target = None,
    port: Port = 8765,
    browser: Browser = True,
    save: OneFile = None,
    settings: Settings = "",
    seed: Seed = 1,
) -> int:
    """Open the lab: see gradient descent, change it, and watch what happens.

    Example: downslope lab cars.csv --target price
    """
    from downslope.cli.keeping import Keeping

    if save is not None:
        Keeping(report=save).check()
        from downslope.lab import save as write

        write(save, data, target, settings=settings, seed=seed)
        typer.echo(f"The lab is in {save}; open it in any browser.")
        return DONE
    from downslope.lab import serve

    serve(data, target, port=port, open_browser=browser, settings=settings, seed=seed)
    return DONE
