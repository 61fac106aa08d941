"""The plan of the house, held by tests: who may import whom, and what an import costs."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "downslope"
FILES = sorted(SOURCE.rglob("*.py"))

# Rows, objective, descent, trace, readers, doors: data flows down this list. A file may import from
# its own floor and the floors above it, never from one below.
FLOORS = {
    "words and mathematics": """
        errors files wording pairs losses penalties rules rates stopping trace stability kernels
        memory_reuse memory_room clock
        """,
    "the problem": "sources scaling objective problems",
    "the motion": """
        descend row_path sgd curvature noise auto_rate trials checkpoint bowl minimizing
        """,
    "readers": "diagnosis sweeping landscapes by_hand store pictures",
    "doors": """
        tables targets labels settings training far estimating linear saving estimators sgd_model
        drop_in networks modules fitting cli lab practice __main__
        """,
}
OWNERS = {
    "numba": {"kernels"},
    "sympy": {"problems.formula"},
    "dask": {"sources.dask"},
    "distributed": {"sources.dask"},
    "typer": {"cli"},
}
MOVED = {
    "downslope.fitting.fit": "Ask",
    "downslope.pictures.fits": "convergence",
    "downslope.pictures.valleys": "loss_along minima",
}
"""Names that are still found where people learned to find them."""


def module(path: Path) -> str:
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path, *, top_level_only: bool) -> set[str]:
    """Modules that a file imports, ours as names below downslope."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_level_only else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "downslope":
                found |= {f"downslope.{a.name}" for a in node.names if a.name[0] != "_"}
    return found


@pytest.mark.parametrize("path", FILES, ids=module)
def test_no_probing_for_attributes(path):
    names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
    assert "hasattr" not in names, "capabilities are values, never the presence of a method"


def floor(name: str) -> int:
    """Number of the floor that a module stands on, by the first part of its name."""
    place = first(name)
    for number, names in enumerate(FLOORS.values()):
        if place in names.split():
            return number
    raise AssertionError(f"{place} stands on no floor: give it one in FLOORS")


@pytest.mark.parametrize("path", FILES, ids=module)
def test_data_flows_one_way(path):
    name = module(path)
    if name == "":
        return
    for other in imports(path, top_level_only=True):
        if other.startswith("downslope."):
            there = other.removeprefix("downslope.")
            if floor(there) > floor(name):
                pytest.fail(f"{name} imports {there}, which stands on a floor below it")


def first(name: str) -> str:
    """The folder, or the file beside the folders, that a module lives in."""
    return name.partition(".")[0]


def whole(name: str) -> str:
    return name


@pytest.mark.parametrize("place", [whole, first])
def test_no_import_cycles(place):
    graph: dict[str, set[str]] = {}
    for path in FILES:
        here = place(module(path))
        ours = {n for n in imports(path, top_level_only=True) if n.startswith("downslope.")}
        there = {place(name.removeprefix("downslope.")) for name in ours}
        graph.setdefault(here, set()).update(there - {here if place is first else ""})
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, f"import cycle: {' -> '.join([*trail, name])}"
        if name in done or name not in graph:
            return
        for other in graph[name]:
            visit(other, (*trail, name))
        done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("path", FILES, ids=module)
def test_heavy_dependencies_have_one_owner(path):
    for name in imports(path, top_level_only=True):
        owners = OWNERS.get(name.partition(".")[0])
        if owners is not None:
            assert module(path).partition(".")[0] in owners or module(path) in owners, (
                f"{module(path)} imports {name} at module level; it belongs to {owners}"
            )


def test_importing_downslope_stays_cheap():
    heavy = "sklearn pandas torch dask distributed sympy matplotlib numba pyarrow typer rich"
    code = f"import sys, downslope; print(*[m for m in '{heavy}'.split() if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == []


@pytest.mark.parametrize("name", MOVED)
def test_what_moved_is_found_where_it_was(name):
    home = importlib.import_module(name)
    for moved in MOVED[name].split():
        assert moved in home.__all__
        assert getattr(home, moved).__module__ != name
