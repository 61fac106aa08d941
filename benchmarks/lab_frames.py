"""Frames a second of the lab in a real browser: ``python -m benchmarks.lab_frames``.

Each frame moves the learning-rate slider, and the page draws again a path of 500 steps over a
96 x 96 landscape, the loss curve, the gradient curve and the line (or the view from the side). In
the cases named "new landscape" the 96 x 96 values are computed and contoured anew in every frame as
well. Printed are the milliseconds of work per frame (median and 95th percentile; a screen leaves
16.7) and the frames a second that came of it, in headless Chromium without a graphics card, and
the size of the module. Each case is measured in several rounds, and all its rounds are shown:
other work on the machine takes frames away and gives none.
"""

import argparse
import gzip
import os
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from downslope.lab import save
from downslope.lab.page import STATIC

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
CASES = {
    "line": ("scene=line&updates=500&k=500", False),
    "surface (Rosenbrock), with the view from the side": (
        "scene=surfaces&updates=500&k=500&surface=rosenbrock",
        False,
    ),
    "line, new landscape": ("scene=line&updates=500&k=500", True),
    "bowl of two weights, new landscape": (
        "scene=bowl&f=(a-1)^2%2B10*(b%2B2)^2&start=-3,1&updates=500&k=500",
        True,
    ),
}
DRIVE = """
([frames, zoom]) => new Promise(done => {
  const slider = document.querySelector('.rate input[type=range]');
  const nearer = document.querySelectorAll('.zoom button');
  const work = [], times = [];
  function frame(now) {
    times.push(now);
    const begun = performance.now();
    slider.value = String(420 + Math.round(200 * Math.sin(times.length / 20)));
    slider.dispatchEvent(new Event('input', {bubbles: true}));
    if (zoom) nearer[times.length % 2].click();
    // The page draws in a microtask or a timer of its own: count up to the next free moment.
    setTimeout(() => work.push(performance.now() - begun), 0);
    if (times.length < frames) requestAnimationFrame(frame);
    else setTimeout(() => done({work, times}), 100);
  }
  requestAnimationFrame(frame);
})
"""


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    with sync_playwright() as playwright:
        path = {"executable_path": str(CHROMIUM)} if CHROMIUM.exists() else {}
        browser = playwright.chromium.launch(args=FLAGS, **path)
        yield browser
        browser.close()


def measure(browser: Any, page_file: Path, case: str, frames: int) -> tuple[float, float, float]:
    """Median and 95th percentile of work in ms, and frames a second; the first 60 warm up."""
    settings, zoom = CASES[case]
    page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
    page.goto(f"{page_file.as_uri()}#{settings}")
    page.wait_for_selector(".player")
    page.evaluate(DRIVE, [60, zoom])
    seen = page.evaluate(DRIVE, [frames, zoom])
    page.close()
    seconds = (seen["times"][-1] - seen["times"][0]) / 1000
    ordered = sorted(seen["work"])
    return statistics.median(ordered), ordered[int(0.95 * len(ordered))], (frames - 1) / seconds


def main() -> None:
    """Print sizes and a table of cases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=180)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    for name in ("lab.js", "lab.css"):
        whole = (STATIC / name).read_bytes()
        print(f"{name}: {len(whole) / 1000:.1f} kB, gzipped {len(gzip.compress(whole)) / 1000:.1f}")
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        path = Path(folder) / "lab.html"
        save(path)
        print(f"one-file page with 32 exercises: {path.stat().st_size / 1000:.1f} kB")
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        print(f"{'':52}{'work ms, median':>16}{'95 %':>8}   frames/s, round by round")
        for case in CASES:
            rounds = [measure(browser, path, case, asked.frames) for _ in range(asked.rounds)]
            median, most, _ = max(rounds, key=lambda seen: seen[2])
            rates = "  ".join(f"{rate:.1f}" for *_, rate in rounds)
            print(f"{case:52}{median:16.1f}{most:8.1f}   {rates}", flush=True)


if __name__ == "__main__":
    main()
