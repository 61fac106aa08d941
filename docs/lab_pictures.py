"""A picture of each scene of the lab, for the documents: ``python docs/lab_pictures.py``.

Writes ``docs/_static/lab-NAME.png``, in 256 colours, so that they stay small.
"""

import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from downslope.lab import save

STATIC = Path(__file__).parent / "_static"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZE = {"width": 1180, "height": 820}
SCENES = {
    "line": "scene=line&k=12",
    "bowl": "scene=bowl&f=w^4-3*w^2%2Bw&start=2&rate=0.02&k=6",
    "surfaces": "scene=surfaces&surface=himmelblau&start=0,0&rate=0.01&k=60&basins=1",
    "race": "scene=race&at=8",
    "data": "scene=data&table=houses+(made+up)&features=area,rooms,age&target=price&k=30",
    "noise": "scene=noise&k=60",
    "practice": "scene=practice&n=3",
}


def answer(page: Any) -> None:
    """A curve said too flat, and what is true beside it."""
    for box, value in zip(
        page.locator(".task input[type=text]").all(), (0.97, 0.9, 0.85), strict=True
    ):
        box.fill(str(value))
    page.get_by_role("button", name="Check").click()


def main(folder: Path) -> None:
    """Write lab-NAME.png for each scene."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        path = Path(temporary) / "lab.html"
        save(path)
        found = {"executable_path": str(CHROMIUM)} if CHROMIUM.exists() else {}
        browser = playwright.chromium.launch(args=FLAGS, **found)
        page = browser.new_page(viewport=SIZE)
        for name, settings in SCENES.items():
            page.goto("about:blank")
            page.goto(f"{path.as_uri()}#{settings}")
            page.wait_for_selector(".player, .task")
            if name == "practice":
                answer(page)
            page.wait_for_timeout(1_500)
            picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
            picture.quantize(256, Image.Quantize.MEDIANCUT, kmeans=4).save(
                folder / f"lab-{name}.png", optimize=True
            )
            print(folder / f"lab-{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else STATIC)
