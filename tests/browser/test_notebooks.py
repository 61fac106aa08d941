"""The lab inside JupyterLab and marimo: its keys work, the notebook's own keys do not fire.

Runs where both are installed beside downslope, or in the environment whose ``bin`` folder
``DOWNSLOPE_NOTEBOOKS`` names (downslope itself is then taken from this source tree).
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from conftest import PATIENCE

SOURCE = Path(__file__).parents[2] / "src"
BIN = os.environ.get("DOWNSLOPE_NOTEBOOKS", str(Path(sys.executable).parent))


def program(name):
    found = shutil.which(name, path=BIN)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def run(tmp_path, static):
    """Starts a server in its own folder and says where it listens, once it does."""
    started = []

    def start(command, health):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        env = {**os.environ, "PYTHONPATH": str(SOURCE), "HOME": str(tmp_path)}
        process = subprocess.Popen(
            [word.format(port=port) for word in command],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(process)
        address = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            try:
                urllib.request.urlopen(address + health).close()
                return address
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"{command[0]} did not start")

    yield start
    for process in started:
        process.terminate()
        process.wait()


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE)
    requests = []
    opened.on("request", lambda request: requests.append(request.url))
    yield opened
    context.close()
    outside = [
        url
        for url in requests
        if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "blob:", "data:", "about:"))
    ]
    assert outside == []


def notebook(tmp_path, *cells):
    made = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": None,
         "source": source}
        for i, source in enumerate(cells)
    ]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    content = {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "n.ipynb").write_text(json.dumps(content))


def run_cell(page, cell):
    """Run a cell; one that is run while its kernel still starts is forgotten, so ask again."""
    waiting = cell.get_by_text("[ ]:", exact=True)
    for _ in range(PATIENCE):
        cell.click()
        cell.locator(".cm-content").press("Control+Enter")
        page.wait_for_timeout(1000)
        if not waiting.count():
            return
    pytest.fail("the kernel did not run the cell")


def keys_work(page, lab):
    """Arrow keys move the sliders, and letters do nothing."""
    scrub = lab.get_by_label("Step shown")
    scrub.focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    assert scrub.input_value() == "12"
    page.keyboard.press("b")
    page.keyboard.press("d")
    page.keyboard.press("d")


def test_widget_in_jupyterlab(run, page, tmp_path):
    jupyter = program("jupyter-lab")
    notebook(
        tmp_path,
        "import downslope.lab\nw = downslope.lab(settings='scene=bowl&rate=0.25')\nw",
        "print('seen', w.settings)\nw.settings = 'scene=surfaces'",
    )
    options = ["--no-browser", "--IdentityProvider.token=", "--port={port}", "--allow-root"]
    address = run([jupyter, *options], "/api/status")
    page.goto(f"{address}/lab/tree/n.ipynb")
    run_cell(page, page.locator(".jp-CodeCell").first)
    lab = page.locator(".dsl")
    lab.wait_for()
    cells = page.locator(".jp-CodeCell").count()
    keys_work(page, lab)
    assert page.locator(".jp-CodeCell").count() == cells == 2
    run_cell(page, page.locator(".jp-CodeCell").last)
    page.get_by_text("seen scene=bowl").wait_for()
    said = page.get_by_text("seen scene=bowl").inner_text()
    assert "k=12" in said
    assert "rate=0.25" in said
    page.get_by_label("Shape").wait_for()
    lab.get_by_role("button", name="Practice").click()
    lab.get_by_role("button", name="Two steps by hand").click()
    blank = lab.get_by_label("w after step 1")
    blank.focus()
    page.keyboard.type("b1")
    assert blank.input_value() == "b1"
    page.keyboard.press("Enter")
    lab.get_by_text('"b1" is not a number').wait_for()
    assert page.locator(".jp-CodeCell").count() == cells


def test_frame_in_jupyterlab(run, page, tmp_path):
    jupyter = program("jupyter-lab")
    notebook(tmp_path, "from downslope.lab.widget import Frame\nFrame('scene=bowl')")
    options = ["--no-browser", "--IdentityProvider.token=", "--port={port}", "--allow-root"]
    address = run([jupyter, *options], "/api/status")
    page.goto(f"{address}/lab/tree/n.ipynb")
    run_cell(page, page.locator(".jp-CodeCell").first)
    lab = page.frame_locator("iframe[title='Downslope lab']").locator(".dsl")
    lab.wait_for()
    cells = page.locator(".jp-CodeCell").count()
    keys_work(page, lab)
    assert page.locator(".jp-CodeCell").count() == cells


def test_widget_in_marimo(run, page, tmp_path):
    marimo = program("marimo")
    (tmp_path / "app.py").write_text(
        "import marimo\napp = marimo.App()\n\n"
        "@app.cell\ndef _():\n"
        "    import marimo as mo\n    import downslope.lab\n"
        "    w = mo.ui.anywidget(downslope.lab(settings='scene=bowl'))\n    w\n    return (w,)\n\n"
        "@app.cell\ndef _(w):\n    print('seen', w.widget.settings)\n    return\n"
    )
    options = ["run", "app.py", "--headless", "--port", "{port}", "--no-token"]
    page.goto(run([marimo, *options], "/health"))
    lab = page.locator(".dsl")
    lab.wait_for()
    keys_work(page, lab)
