"""Options as typed -> what is asked of a fit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from downslope.errors import SettingError

if TYPE_CHECKING:
    from downslope.fitting.asked import Ask


def ask_from(given: dict[str, Any]) -> Ask:
    """The ``Ask`` in a command's options."""
    from downslope.fitting.asked import Ask

    return Ask(
        target=given["target"],
        task=given["task"],
        loss=given["loss"],
        parameter=given["parameter"],
        features=names_in(given["features"]),
        drop=tuple(given["drop"] or ()),
        kinds=tuple(kind_of(each) for each in given["kind"] or ()),
        penalty=given["penalty"],
        alpha=given["alpha"],
        batch_size=batch_size(given["batch_size"]),
        rule=given["rule"],
        learning_rate=number_or_name(given["learning_rate"]),
        eta0=given["eta0"],
        scaling=given["scaling"],
        max_iter=given["max_iter"],
        max_seconds=given["max_seconds"],
        tol=tolerance(given["tol"]),
        test_size=given["test_size"],
        seed=given["seed"],
    )


def check_sources(sources: list[str], target: str | None) -> None:
    """A second word that is no file is most likely the target."""
    for word in sources[1:]:
        if target is None and not (Path(word).exists() or set(word) & set("*?[/.")):
            raise SettingError(f"There is no file {word!r}; if it is the target, write -t {word}.")


def names_in(text: str | None) -> tuple[str, ...] | None:
    """Names with commas between; a comma in a name is written ``\\,``.

    >>> names_in("a, b\\\\,c")
    ('a', 'b,c')
    """
    if text is None:
        return None
    parts = re.split(r"(?<!\\),", text)
    return tuple(part.replace("\\,", ",").strip() for part in parts if part.strip())


def numbers_in(text: str | None) -> list[float] | None:
    """Numbers with commas between.

    >>> numbers_in("0.001, 0.1")
    [0.001, 0.1]
    """
    if text is None:
        return None
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise SettingError(f"{text!r} is no list of numbers; write such as 0.001,0.1,1.") from None


def kind_of(text: str) -> tuple[str, str]:
    """``NAME=KIND`` as a pair; the name may hold an equals sign itself."""
    name, sign, kind = text.rpartition("=")
    if not (sign and name and kind):
        raise SettingError(f"--kind {text!r} is not NAME=KIND; write --kind zip=category.")
    return name, kind


def number_or_name(text: str) -> float | str:
    """A number, or the name of a schedule."""
    try:
        return float(text)
    except ValueError:
        return text


def batch_size(text: str) -> int | str | None:
    """Rows per step: a whole number, full or auto."""
    if text in ("auto", "full"):
        return text if text == "auto" else None
    if not re.fullmatch(r"\d+", text):
        raise SettingError(f"--batch-size {text!r} is not a whole number; use full, 1, 64 or auto.")
    return int(text)


def tolerance(text: str) -> float | str | None:
    """When to stop: auto, none, or a number from 0."""
    if text in ("auto", "none"):
        return text if text == "auto" else None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < float("inf"):
        raise SettingError(f"--tol {text!r} is no number from 0; use auto, none or such as 1e-6.")
    return value
