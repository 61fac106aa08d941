"""A real browser for the lab, and the lab as one file."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import PATIENCE

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).parents[2]
SIZE = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def static() -> Path:
    """The folder of the built lab."""
    folder = ROOT / "src" / "downslope" / "lab" / "static"
    if not (folder / "lab.js").exists():
        pytest.skip("the lab is not built; run make lab")
    return folder


@pytest.fixture(scope="session")
def axe() -> Path:
    """The accessibility checker, which is put into pages."""
    path = ROOT / "lab" / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        pytest.skip("axe-core is not installed; run npm ci in lab/")
    return path


@pytest.fixture(scope="module")
def browser(static: Path) -> Iterator[Any]:
    """Chromium without a window; for one module, as it keeps an event loop running meanwhile."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def lab_file(static: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab in one file."""
    from downslope.lab import save

    path = tmp_path_factory.mktemp("lab") / "lab.html"
    save(path)
    return path


class Opened:
    """A page of the lab, with what went wrong in it and what it asked the network for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def settle(self) -> None:
        """Wait until what was done is drawn."""
        self.page.evaluate(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def row(self, k: int) -> dict[str, float]:
        """A row of the ledger as numbers."""
        self.settle()
        cells = self.page.locator(f".ledger tr[data-k='{k}'] td").evaluate_all(
            "cells => cells.map(cell => [cell.dataset.name, cell.textContent])"
        )
        return {name: float(text.replace("Infinity", "inf")) for name, text in cells}

    def at(self) -> int:
        """The step shown."""
        self.settle()
        return int(self.page.locator(".player .scrub").input_value())

    def verdict(self) -> str:
        """What the status says."""
        self.settle()
        return str(self.page.locator(".verdict").inner_text())

    def text(self, selector: str) -> str:
        """What an element says."""
        self.settle()
        return str(self.page.locator(selector).inner_text())

    def number(self, selector: str) -> float:
        """A number kept beside its rounded text."""
        self.settle()
        element = self.page.locator(selector)
        return float(element.get_attribute("data-value"))

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds (the page's policy forbids waiting inside it)."""
        for _ in range(20 * PATIENCE):
            if holds():
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("it did not come about")


@pytest.fixture
def open_lab(browser: Any, lab_file: Path) -> Iterator[Any]:
    """Opens the lab's file at given settings, offline; fails the test on any error in the page."""
    contexts = []
    opened = []

    def open_at(
        settings: str = "", *, file: Path = lab_file, beside: Opened | None = None, **options: Any
    ) -> Opened:
        """``beside`` is a page that shares what the browser keeps."""
        if beside is None:
            context = browser.new_context(offline=True, **{"viewport": SIZE, **options})
            contexts.append(context)
        else:
            context = beside.page.context
        page = Opened(context.new_page())
        page.page.set_default_timeout(1000 * PATIENCE)
        opened.append(page)
        page.page.goto(f"{file.as_uri()}#{settings}")
        page.page.wait_for_selector(".player, .task")
        return page

    yield open_at
    for page in opened:
        assert page.errors == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in page.requests)
    for context in contexts:
        context.close()
