"""Frames a second of the lab while its learning rate changes.

``python tests/browser/frame_rate.py`` prints the median and the 95th percentile of a frame's work,
and the frames a second that came of it. Each frame moves the slider and redraws a 96 x 96 landscape
with a path of 500 steps on it, the loss and the gradient curves, and the line or the view from the
side; in the last case the landscape is surveyed anew as well.
"""

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from downslope.lab import save

FLAGS = ["--no-sandbox", "--disable-gpu"]
FRAMES = 240
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


def measure(settings: str, zoom: bool) -> tuple[float, float, float]:
    """Median and 95th percentile of work in ms, and frames a second."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "lab.html"
        save(path)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page.goto(f"{path.as_uri()}#{settings}")
        page.wait_for_selector(".player")
        page.evaluate(DRIVE, [60, zoom])
        seen = page.evaluate(DRIVE, [FRAMES, zoom])
        browser.close()
    seconds = (seen["times"][-1] - seen["times"][0]) / 1000
    ordered = sorted(seen["work"])
    return statistics.median(ordered), ordered[int(0.95 * len(ordered))], (FRAMES - 1) / seconds


if __name__ == "__main__":
    cases = {
        "line, 500 steps": ("scene=line&updates=500&k=500", False),
        "surface, 500 steps": ("scene=surfaces&updates=500&k=500&surface=rosenbrock", False),
        "line, 500 steps, new landscape": ("scene=line&updates=500&k=500", True),
    }
    print(f"{'':34}{'work ms, median':>16}{'95 %':>8}{'frames/s':>10}")
    for name, (settings, zoom) in cases.items():
        median, most, rate = measure(settings, zoom)
        print(f"{name:34}{median:16.1f}{most:8.1f}{rate:10.1f}")
