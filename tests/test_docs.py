"""Documents are true: code runs, commands and options exist, nothing is left out."""

import doctest
import re
import runpy
import shlex
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
PAGES = [page for page in PAGES if "_build" not in page.parts and page.name != "cli.md"]
SCRIPTS = sorted(ROOT.glob("docs/scripts/*.py"))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, list[str]]]:
    """Every ``downslope ...`` line in the documents, comments taken off."""
    found = []
    for page in PAGES:
        for line in re.findall(r"^(?:\$ |    )?(downslope .*)$", page.read_text(), re.MULTILINE):
            found.append((name(page), shlex.split(line, comments=True)))
    return found


def options_of(command: str) -> set[str]:
    from typer.main import get_command

    from downslope.cli import app

    known = get_command(app).commands
    assert command in known, f"there is no command {command}"
    return {option for p in known[command].params for option in (*p.opts, *p.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_examples_print_what_the_page_says(page):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a page may show a run that fails
        failed, _ = doctest.testfile(
            str(page), module_relative=False, optionflags=doctest.ELLIPSIS, encoding="utf-8"
        )
    assert failed == 0


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_blocks_run(page):
    known = {}  # one page, one story
    for block in blocks(page, "python"):
        if ">>>" not in block:
            exec(compile(block, name(page), "exec"), known)


@pytest.mark.parametrize("script", SCRIPTS, ids=name)
def test_pages_of_the_lesson_run(script, capsys):
    runpy.run_path(str(script))
    assert capsys.readouterr().out


def test_commands_in_the_documents_exist_with_their_options():
    lines = commands()
    assert len(lines) > 10
    for page, (_, command, *arguments) in lines:
        known = options_of(command)
        for option in (a.split("=")[0] for a in arguments if a.startswith("--")):
            assert option in known | {"--help"}, f"{page}: {command} has no option {option}"


def test_every_command_stands_in_the_documents():
    from typer.main import get_command

    from downslope.cli import app

    text = "\n".join(page.read_text() for page in PAGES)
    missing = [c for c in get_command(app).commands if f"downslope {c}" not in text]
    assert missing == []


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{name(page)} links to {target}"


def test_make_has_every_word_that_the_documents_use():
    words = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        for word in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert set(filter(None, word)) <= words, f"{name(page)}: make {word}"
