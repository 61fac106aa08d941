"""The command line: thin commands over the library, and one place where errors become sentences.

Exit codes: 0 done, 1 did not converge or diverged (what there is, is kept), 2 wrong input or usage,
130 interrupted (the best so far is kept).
"""

import atexit
import os
import signal
import sys
import warnings
from typing import Any

import typer

from downslope import __version__
from downslope.cli.codes import DONE, INTERRUPTED, WRONG
from downslope.cli.demo import demo_with
from downslope.cli.export import export
from downslope.cli.fit import fit
from downslope.cli.interruption import CONTROL_C
from downslope.cli.lab import lab
from downslope.cli.looking import diagnose, inspect
from downslope.cli.minima import minima
from downslope.cli.practice import practice
from downslope.cli.predict import predict
from downslope.cli.race import race
from downslope.cli.sweep import sweep
from downslope.cli.trace import trace
from downslope.errors import DownslopeError
from downslope.kernels.making import told

USAGE: Any = typer.BadParameter.__mro__[1]
"""What a wrong command line raises; newer typers bring a click of their own, so it has no name."""
SILENT = {"-q", "--quiet", "--json"}
"""Options that ask for silence."""
HELP = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    name="downslope",
    help="Train, explain and picture models by gradient descent.",
    add_completion=False,
    context_settings=HELP,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"downslope {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None: ...


def main() -> None:
    """Run the command line; every error ends in one sentence and an exit code."""
    CONTROL_C.listen()
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done and said
    leave(code)


def leave(code: int) -> None:
    """End the process at once.

    Taking libraries and their memory apart takes Python half a second after a fit; a refused file
    can leave Arrow's reading threads behind, and the end would then be an abort; an interruption
    can leave a thread at work, for which it would wait.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass
    except OSError as error:
        code = complain(sentence(error), WRONG)
    if code == INTERRUPTED:
        end_children()
    else:
        atexit._run_exitfuncs()
    os._exit(code)


def end_children() -> None:
    """Kill the processes started here: Dask would wait ten seconds for their goodbyes."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None:
        for process in sys.modules["multiprocessing"].active_children():
            process.kill()
        util._exit_function()


def run(arguments: list[str]) -> int:
    """Run one command line and answer its exit code."""
    warnings.showwarning = _note
    quiet = not SILENT.isdisjoint(arguments)
    try:
        with told(_nothing if quiet else _compiling):
            return _obey(arguments or ["--help"])
    except typer.Exit as end:
        return int(end.exit_code)
    except KeyboardInterrupt:
        return complain(CONTROL_C.sentence, INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): nothing is left to say to anyone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception as error:
        if CONTROL_C.caused(error):
            return complain(CONTROL_C.sentence, INTERRUPTED)
        return complain(sentence(error), WRONG)
    finally:
        CONTROL_C.forget()


def _obey(arguments: list[str]) -> int:
    """What ``app`` does, but for the interruptions that it would end without a word."""
    command = typer.main.get_command(app)
    with command.make_context("downslope", arguments) as context:
        return int(command.invoke(context) or DONE)


COMMANDS = (
    fit,
    predict,
    export,
    diagnose,
    inspect,
    sweep,
    race,
    trace,
    minima,
    lab,
    practice,
    demo_with(run),
)
for command in COMMANDS:
    app.command()(command)


def sentence(error: BaseException) -> str:
    """What went wrong and what to do, in one sentence."""
    if isinstance(error, DownslopeError):
        return str(error)
    if isinstance(error, USAGE):
        where = error.ctx.command_path if error.ctx else "downslope"
        wrong = error.format_message().rstrip(".")
        return f"{wrong}{'' if wrong.endswith('?') else '.'} See `{where} --help`."
    if isinstance(error, typer.Abort):
        return "Aborted; nothing was saved."
    if isinstance(error, MemoryError):
        return "The machine's memory is not enough for this table; use fewer columns or rows."
    if isinstance(error, OSError):
        name = f"{error.filename!r}: " if error.filename else ""
        return f"{name}{error.strerror or error}; check the name, the folder and your permissions."
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name} is not installed; run `pip install {error.name}`."
    first = str(error).partition("\n")[0]
    return (
        f"This should not have happened ({type(error).__name__}: {first}); please report it with "
        "the command that you ran."
    )


def complain(text: str, code: int) -> int:
    """One sentence on standard error; the exit code."""
    from downslope.cli.screen import clean

    print(f"downslope: {clean(' '.join(text.split()))}", file=sys.stderr)
    return code


def _compiling() -> None:
    """Why nothing is seen for a while; without it the solver would be taken for slow."""
    print(
        "Note: compiling the passes over rows for this machine, which takes some seconds, once.",
        file=sys.stderr,
        flush=True,
    )


def _nothing() -> None:
    """Say nothing."""


def _note(message: Any, category: type[Warning], *where: Any, **more: Any) -> None:
    """A warning as one line; where in our code it arose is of no use to the user."""
    from downslope.cli.screen import clean

    print(f"Note: {clean(' '.join(str(message).split()))}", file=sys.stderr)
