"""A picture of each scene, for the documents: ``python tests/browser/pictures.py FOLDER``."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from downslope.lab import save

FLAGS = ["--no-sandbox", "--disable-gpu"]
SCENES = {
    "line": "scene=line&k=12",
    "bowl": "scene=bowl&rate=0.1&k=6",
    "surfaces": "scene=surfaces&surface=himmelblau&start=0,0&rate=0.01&k=60&basins=1",
    "race": "scene=race&at=8",
    "data": "scene=data&table=houses+(made+up)&features=area,rooms,age&target=price&k=30",
    "noise": "scene=noise&k=60",
}


def main(folder: Path) -> None:
    """Write lab-NAME.png for each scene."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        path = Path(temporary) / "lab.html"
        save(path)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 960})
        for name, settings in SCENES.items():
            page.goto("about:blank")
            page.goto(f"{path.as_uri()}#{settings}")
            page.wait_for_selector(".player")
            page.wait_for_timeout(1_500)
            page.screenshot(path=folder / f"lab-{name}.png")
            print(folder / f"lab-{name}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
