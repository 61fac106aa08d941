"""How the documents are built: ``make docs`` (warnings are errors)."""

import os
import sys
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

import downslope

os.environ.setdefault("MPLBACKEND", "Agg")
sys.path.insert(0, str(Path(__file__).parent))


def draw_figures(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Picture of ``figure`` after each block that makes one; the plots do not use pyplot."""
    figure = block_vars["example_globals"].pop("figure", None)
    if figure is None:
        return ""
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, dpi=150)
    return figure_rst([path], gallery_conf["src_dir"])


project = "Downslope"
author = "the downslope developers"
copyright = "2026, the downslope developers"
release = version = downslope.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "gallery/**/*.ipynb", "gallery/**/*.py", "**/sg_execution_times.rst"]
html_theme = "furo"
html_static_path = ["_static"]
html_title = "Downslope"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
autosummary_generate = True
suppress_warnings = ["config.cache", "ref.python"]
sphinx_gallery_conf = {
    "examples_dirs": ["scripts"],
    "gallery_dirs": ["gallery"],
    "image_scrapers": (draw_figures,),
    "capture_repr": (),
    "filename_pattern": r".*\.py",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
}


def write_cli_page(app: object) -> None:
    """One page of every command's ``--help``, taken from the commands themselves."""
    import subprocess

    env = os.environ | {"COLUMNS": "96", "TERM": "dumb", "NO_COLOR": "1"}

    def help_of(*names: str) -> str:
        command = [sys.executable, "-m", "downslope", *names, "--help"]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout

    from downslope.cli import app as commands

    names = [c.name or c.callback.__name__ for c in commands.registered_commands if c.callback]
    pages = [f"## downslope {name}\n\n```text\n{help_of(name).strip()}\n```\n" for name in names]
    page = Path(__file__).parent / "cli.md"
    page.write_text("# Command line\n\n" + "\n".join(pages), encoding="utf-8")


def setup(app: object) -> None:
    app.connect("builder-inited", write_cli_page)  # type: ignore[attr-defined]
