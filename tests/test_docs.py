"""Documents are true: code runs, commands and options exist, nothing is left out."""

import doctest
import importlib
import re
import runpy
import shlex
import sys
import warnings
from pathlib import Path

import pytest

from downslope.fitting.samples import write_samples

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
    for script in SCRIPTS:
        for line in re.findall(r"^#     (downslope .*)$", script.read_text(), re.MULTILINE):
            found.append((name(script), shlex.split(line, comments=True)))
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


SHOWN = [
    (page, command, printed)
    for page in PAGES
    for block in blocks(page, "console")
    for command, printed in re.findall(r"^\$ (downslope .*)\n((?:(?!\$ ).*\n)+)", block, re.M)
]


@pytest.mark.parametrize(
    ("page", "command", "printed"), SHOWN, ids=[f"{p.name}: {c[:40]}" for p, c, _ in SHOWN]
)
def test_commands_print_what_the_page_says(page, command, printed, tmp_path, monkeypatch, capsys):
    from downslope.cli import run

    write_samples(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        run(shlex.split(command)[1:])
    got = capsys.readouterr().out
    same = doctest.OutputChecker().check_output(printed, got, doctest.ELLIPSIS)
    assert same, f"{name(page)} says\n{printed}\nbut {command} prints\n{got}"


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


def test_the_page_of_the_command_line_has_every_option_with_its_meaning():
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        import cli_page
    finally:
        sys.path.pop(0)
    for command, made in cli_page.commands().items():
        page = cli_page.section(command, made)
        assert f"## downslope {command}" in page
        for parameter in made.params:
            if parameter.name != "help":
                assert (parameter.help or "").strip(), f"{command} {parameter.name} says nothing"
                assert f"{cli_page.flags(parameter)}\n: " in page


def test_help_names_every_loss_rule_and_rate():
    from typer.main import get_command

    from downslope.cli import app
    from downslope.rules import RULES
    from downslope.settings import RATE_NAMES, REGRESSION, SIGNED

    said = {p.name: p.help for p in get_command(app).commands["fit"].params}
    for option, known in (
        ("loss", {*REGRESSION, *SIGNED}),
        ("rule", set(RULES)),
        ("learning_rate", set(RATE_NAMES)),
    ):
        assert known <= set(re.findall(r"\w+", said[option])), option


def test_every_symptom_and_every_end_is_explained():
    from downslope.stopping import Reason

    page = (ROOT / "docs/howto/read_a_diagnosis.md").read_text()
    folder = ROOT / "src/downslope/diagnosis"
    code = "".join(path.read_text() for path in folder.glob("*_symptoms.py"))
    symptoms = set(re.findall(r'Finding\(\s*"(\w+)"', code))
    assert symptoms == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    table = (folder / "diagnose.py").read_text()
    assert [s for s in symptoms if not re.search(rf"^{s} ", table, re.MULTILINE)] == []
    conventions = (ROOT / "docs/conventions.md").read_text()
    sources = "".join(path.read_text() for path in ROOT.glob("src/downslope/**/*.py"))
    ends = set(re.findall(r'Reason\(\s*"(\w+)"', sources))
    assert ends == set(re.findall(r"``(\w+)``", Reason.__doc__.partition("sentence :")[0])) - {
        "minimize"
    }
    assert [end for end in ends if f"`{end}`" not in conventions] == []


def resolves(path: str) -> bool:
    """Whether a dotted path is a module, or a name in one."""
    parts = path.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            thing = getattr(thing, part, None)
        return thing is not None
    return False


def test_paths_in_prose_lead_to_code_and_to_files():
    for page in PAGES:
        if page.name in ("decisions.md", "changelog.md"):  # what was; it may be gone
            continue
        text = page.read_text()
        for path in set(re.findall(r"`(downslope(?:\.\w+)+)[`(]", text)):
            assert resolves(path), f"{name(page)}: {path}"
        for file in set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.(?:py|ts|tsx|md|toml|json))`", text)):
            homes = (ROOT, ROOT / "src/downslope", ROOT / "src/downslope/diagnosis", page.parent)
            assert any((home / file).exists() for home in homes), f"{name(page)}: {file}"


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


MEASURED = (
    r"(?<![\w.])(\d[\d,]*\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+|\d{1,3}(?:,\d{3})+|\d{3,}"
    r"|\d+(?= ?%))(?!\w)"
)
"""Numbers that look measured: decimals, an exponent, three digits or more, a percent sign."""
FROM_ELSEWHERE = {
    "docs/scaling.md": {
        "4,000": "a round number of columns",
        "4.2": "rows of Criteo's terabyte, billions, as published",
        "91.5": "seconds on 16 GPUs, as published",
        "164": "4.2 billion rows times 39 features",
        "0.5": "8 MB from 60 workers",
    },
    "docs/howto/move_a_model.md": {"0.12": "a release of skops or of a format"},
}
"""Numbers that no block here prints, and where they come from."""


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "decisions.md"], ids=name)
def test_numbers_in_prose_are_printed_by_a_block_or_measured(page):
    text = page.read_text()
    shown = "".join(re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL))
    shown += " ".join(re.findall(r"`[^`]*`", text)) + (ROOT / "benchmarks/RESULTS.md").read_text()
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    prose = re.sub(r"`[^`]*`|\$[^$]*\$|\]\([^)]*\)", "", prose)
    code = "".join(path.read_text() for path in ROOT.glob("src/downslope/**/*.py"))
    constants = set(re.findall(r"(?<![\w.])\d[\w.]*(?:(?<=e)[-+]\d+)?", code.replace("_", "")))
    for number in re.findall(MEASURED, prose):
        known = number in shown or number.replace(",", "") in constants
        year = re.fullmatch(r"(19|20)\d\d", number)
        assert known or year or number in FROM_ELSEWHERE.get(name(page), {}), (
            f"{name(page)}: where does {number} come from? Print it in a block, or measure it."
        )
