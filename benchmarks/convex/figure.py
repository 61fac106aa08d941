"""Gap against time, one line per solver."""

from pathlib import Path

from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKS = "osD^vPX*"


def lowest_by_then(curve: list[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """Seconds, and the least gap of all fits that took no longer; only where it falls."""
    seconds: list[float] = []
    gaps: list[float] = []
    for t, gap in sorted(curve):
        if not gaps or gap < gaps[-1]:
            seconds.append(t)
            gaps.append(gap)
    return seconds, gaps


def draw(name: str, curves: dict[str, list[tuple[float, float]]], folder: Path) -> None:
    """Write ``folder/name.svg`` and ``.png``; ours is drawn last and thick."""
    figure = Figure(figsize=(7.5, 4.8), layout="constrained")
    axes = figure.add_subplot()
    peers = sorted(
        (s for s in curves if s != "downslope"),
        key=lambda s: min(g for _, g in curves[s]) if curves[s] else 1,
    )
    for i, solver in enumerate([*peers, *(["downslope"] if "downslope" in curves else [])]):
        seconds, gaps = lowest_by_then(curves[solver])
        ours = solver == "downslope"
        axes.loglog(
            seconds,
            gaps,
            marker=MARKS[i % len(MARKS)],
            color="#0072B2" if ours else COLOURS[1 + i % (len(COLOURS) - 1)],
            linewidth=3 if ours else 1.2,
            linestyle="-" if ours else "--",
            label=solver,
        )
    axes.set(xlabel="seconds", ylabel="gap (f - f*) / (f0 - f*)", title=name)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7, ncols=2)
    folder.mkdir(parents=True, exist_ok=True)
    for ending in ("svg", "png"):
        figure.savefig(folder / f"{name}.{ending}", dpi=150)
