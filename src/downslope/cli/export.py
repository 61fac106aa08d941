"""``downslope export``: a saved model for other programs."""

from pathlib import Path
from typing import Annotated

import typer

import downslope.cli.options as o
from downslope.cli.codes import DONE
from downslope.cli.screen import Screen
from downslope.errors import SettingError

ModelFile = Annotated[str, typer.Argument(help="File that `downslope fit --out` wrote.")]
To = Annotated[str, typer.Option("--to", help="onnx, or json for the weights as plain text.")]
Result = Annotated[str, typer.Option("--out", "-o", help="File to write.")]


def export(
    model: ModelFile, to: To, out: Result, quiet: o.Quiet = False, json: o.Json = False
) -> int:
    """Write a saved model for other programs: ONNX, or plain JSON.

    Example: downslope export model --to onnx -o model.onnx
    """
    from downslope.files import write_atomically
    from downslope.fitting.exporting import to_json, to_onnx
    from downslope.fitting.model import load

    if to not in ("onnx", "json"):
        raise SettingError(f"--to {to!r} is no format that is written; choose onnx or json.")
    known, screen = load(model), Screen(quiet, json)
    data = to_onnx(known) if to == "onnx" else to_json(known).encode()
    write_atomically(Path(out), data)
    inputs = [code.name for code in known.encoder.codes]
    screen.answer({"file": out, "to": to, "bytes": len(data), "inputs": inputs})
    screen.say(f"{out}: {len(data):,} bytes, {len(inputs):,} columns in, predicts {known.target}.")
    return DONE
