"""The page of the command line, written from the commands themselves."""

from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "cli.md"
INTRO = """# Command line

`downslope COMMAND --help` says the same at the terminal. Exit codes: 0 done; 1 the run did not
converge or diverged, and what there is has been kept; 2 the input or the command line is wrong,
with a sentence that says how to mend it; 130 interrupted, the best so far has been kept.
"""


def commands() -> dict[str, Any]:
    """Every command by its name."""
    from typer.main import get_command

    from downslope.cli import app

    return dict(get_command(app).commands)


def flags(parameter: Any) -> str:
    """How a parameter is written: its names, and what goes behind them."""
    names = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}{'...' if parameter.nargs == -1 else ''}`"
    if not parameter.is_flag:
        kind = parameter.type_descriptor.annotation
        word = parameter.metavar or getattr(kind, "__name__", "value").upper()
        names[0] += f" {'TEXT' if word in ('STR', 'LIST') else word}"
    return ", ".join(f"`{name}`" for name in names)


def meaning(parameter: Any) -> str:
    """Its help, and its default where there is one to tell."""
    said = " ".join((parameter.help or "").split())
    default = parameter.default
    if default in (None, False, True, "") or callable(default) or "default" in said.lower():
        return said
    return f"{said.rstrip('.')} (default `{default}`)."


def section(name: str, command: Any) -> str:
    """One command: what it does, its example, and its parameters in their groups."""
    what, _, example = (command.help or "").partition("\n\nExample: ")
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    usage = " ".join(["downslope", name, *(flags(p).strip("`") for p in arguments), "[OPTIONS]"])
    text = [f"## downslope {name}", " ".join(what.split()), f"```text\n{usage}\n```"]
    if example:
        text.append(f"```console\n{' '.join(example.split())}\n```")
    groups: dict[str, list[Any]] = {}
    for parameter in command.params:
        if parameter.name != "help":
            group = getattr(parameter, "rich_help_panel", None) or (
                "Arguments" if parameter in arguments else "Options"
            )
            groups.setdefault(group, []).append(parameter)
    for group in sorted(groups, key=lambda g: (g != "Arguments", g == "Options")):
        rows = [f"{flags(p)}\n: {meaning(p)}" for p in groups[group]]
        text += [f"**{group}**", "\n\n".join(rows)]
    return "\n\n".join(text)


def write(app: object = None) -> None:
    """Write the page; Sphinx calls this before it reads the sources."""
    parts = [section(name, command) for name, command in commands().items()]
    PAGE.write_text("\n\n".join([INTRO.strip(), *parts]) + "\n", encoding="utf-8")
