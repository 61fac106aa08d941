"""How the documents are built: ``make docs`` (warnings are errors)."""

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from docutils.nodes import SkipNode
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx_gallery.scrapers import figure_rst

import downslope

HERE = Path(__file__).parent
os.environ.setdefault("MPLBACKEND", "Agg")
sys.path[:0] = [str(HERE), str(HERE.parent)]  # this folder's modules; examples/
import cli_page  # noqa: E402


def draw_figures(block: tuple, block_vars: dict, gallery_conf: dict) -> str:
    """Picture of ``figure`` after each block that makes one; the plots do not use pyplot.

    It may also be the path of a file that a command has drawn.
    """
    figure = block_vars["example_globals"].pop("figure", None)
    if figure is None:
        return ""
    path = next(block_vars["image_path_iterator"])
    if isinstance(figure, Path):
        shutil.copy(figure, path)
    else:
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
exclude_patterns = ["_build", "gallery/**/*.ipynb", "gallery/**/*.py"]
html_theme = "furo"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_title = "Downslope"
html_css_files = ["downslope.css"]
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072b2", "color-brand-content": "#0072b2"},
    "dark_css_variables": {"color-brand-primary": "#56b4e9", "color-brand-content": "#56b4e9"},
}
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
    "show_signature": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,  # a page of its own, with scripts from the network
    "abort_on_example_error": True,
    "within_subsection_order": "FileNameSortKey",
}


def formula(writer: Any, node: Any) -> None:
    """A formula as MathML, which browsers draw by themselves: no script, no network."""
    as_block = node.tagname == "math_block"
    writer.body.append(tex2mathml(node.astext(), as_block=as_block))
    raise SkipNode


def skip_aliases(app: Any, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool:
    """Fields of a named tuple say "Alias for field number 3"; the class has told what they are."""
    return skip or (getattr(thing, "__doc__", None) or "").startswith("Alias for field number")


def write_names(app: object = None) -> None:
    """What ``import downslope`` gives, one line each, for the first page of the reference."""
    import inspect

    lines = []
    for name in downslope.HOMES:
        thing = getattr(downslope, name)
        role = "class" if isinstance(thing, type) else "func"
        said = (inspect.getdoc(thing) or "").partition("\n\n")[0].replace("\n", " ")
        lines.append(f"- :{role}:`{name} <downslope.{downslope.HOMES[name]}.{name}>`: {said}\n")
    (HERE / "names.txt").write_text("".join(lines), encoding="utf-8")


def setup(app: Any) -> None:
    app.connect("builder-inited", cli_page.write)
    app.connect("builder-inited", write_names)
    app.connect("autodoc-skip-member", skip_aliases)
    app.add_html_math_renderer("mathml", (formula, None), (formula, None))
