"""The practice room in a terminal: ask, hint, check, explain, remember."""

from collections.abc import Callable
from pathlib import Path

from downslope.errors import InputError
from downslope.practice import TITLES, Item, check, make_item
from downslope.practice.cards import CARDS, due_cards, rate_card
from downslope.practice.fog import END, Fog, make_fog
from downslope.practice.progress import Progress, load, save

Ask = Callable[[str], str]
Say = Callable[[str], None]
HELP = "Type an answer, 'hint' for the next hint, 'skip' to see the solution, 'quit' to leave."


class Leave(Exception):
    """The person wants to leave."""


def practise(kinds: list[str], count: int, seed: int, path: Path, ask: Ask, say: Say) -> Progress:
    """Go through ``count`` exercises, keeping progress after each.

    ``ask`` shows a prompt and answers a line; ``say`` prints. Exercises go round ``kinds``. Each is
    predicted, then shown and explained, and last there are the lab's settings to try it with.
    """
    progress, right = load(path), 0
    say(HELP)
    try:
        for i in range(count):
            item = make_item(kinds[i % len(kinds)], seed + i)
            say(f"\n[{i + 1}/{count}] {TITLES[item.kind]}\n{item.question}")
            progress, solved = _one(item, progress, ask, say)
            right += solved
            save(progress, path)
    except Leave:
        say("Left; what you answered is kept.")
    say(f"\n{right} right. " + _summary(progress))
    return progress


def _one(item: Item, progress: Progress, ask: Ask, say: Say) -> tuple[Progress, bool]:
    hints = 0
    while True:
        given: list[float | str] = []
        for blank in item.blanks:
            value, hints = _read_blank(item, blank.name, len(given), hints, ask, say)
            if value is None:
                say(item.working)
                return progress.with_answer(item.kind, item.seed, False, "skipped", hints), False
            given.append(value)
        verdict = check(item, tuple(given))
        say(("Right.\n" if verdict.right else "") + verdict.explanation)
        say(_sandbox(item))
        answered = progress.with_answer(item.kind, item.seed, verdict.right, verdict.slip, hints)
        return answered, verdict.right


def _read_blank(
    item: Item, name: str, index: int, hints: int, ask: Ask, say: Say
) -> tuple[float | str | None, int]:
    """One blank's value, None to skip; hints and unreadable answers are dealt with here."""
    blank = item.blanks[index]
    options = "".join(f"\n  {chr(97 + i)}) {c}" for i, c in enumerate(blank.choices))
    while True:
        text = ask(f"{name}?{options} ").strip()
        if text == "quit":
            raise Leave
        if text == "skip":
            return None, hints
        if text == "hint":
            say(item.hints[min(hints, len(item.hints) - 1)])
            hints += 1
            continue
        try:
            return blank.read(text), hints
        except InputError as error:
            say(str(error))


def review_cards(count: int, path: Path, ask: Ask, say: Say) -> Progress:
    """Show due flashcards and reschedule each by the grade the person gives."""
    progress = load(path)
    names = due_cards(progress.cards)[:count]
    if not names:
        say("No card is due; come back later.")
    try:
        for i, name in enumerate(names):
            front, back = CARDS[name]
            say(f"\n[{i + 1}/{len(names)}] {front}")
            if ask("(Enter shows the answer, 'quit' leaves) ").strip() == "quit":
                raise Leave
            say(back)
            progress = progress.with_card(name, rate_card(progress.cards.get(name), _grade(ask)))
            save(progress, path)
    except Leave:
        say("Left; the cards you saw are kept.")
    return progress


def _grade(ask: Ask) -> int:
    while True:
        text = ask("How well did you know it? 1 again, 2 hard, 3 good, 4 easy: ").strip()
        if text == "quit":
            raise Leave
        if text in ("1", "2", "3", "4"):
            return int(text)


def fog(seed: int, path: Path, ask: Ask, say: Say) -> Progress:
    """Find the deepest point in the fog: probe height and slope, then commit to a place."""
    item, floor = make_item("fog", seed), make_fog(seed)
    say(
        f"{item.question} Type x to probe there, 'hint' for a hint, or 'here X' to commit to the "
        "deepest point."
    )
    x, probes, hints = _probe(item, floor, ask, say)
    verdict = check(item, (x,))
    said = f"You chose x = {x:g}, height {floor.probe(x)[0]:.4f}, after {probes} probes."
    say(f"{'Right. ' if verdict.right else ''}{said}\n{verdict.explanation}")
    say(_sandbox(item))
    progress = load(path).with_answer("fog", seed, verdict.right, verdict.slip, hints, probes)
    save(progress, path)
    return progress


def _probe(item: Item, floor: Fog, ask: Ask, say: Say) -> tuple[float, int, int]:
    """Probes until the person commits: the place, how many probes and how many hints."""
    probes = hints = 0
    while True:
        text = ask("x? ").strip()
        if text == "quit":
            raise Leave
        if text == "hint":
            say(item.hints[min(hints, len(item.hints) - 1)])
            hints += 1
            continue
        try:
            x = item.blanks[0].read(text.removeprefix("here"))
        except InputError as error:
            say(str(error))
            continue
        if not isinstance(x, float) or not -END <= x <= END:
            say(f"{x} is outside {-END:g} to {END:g}.")
            continue
        if text.startswith("here"):
            return x, probes, hints
        probes += 1
        height, slope = floor.probe(x)
        say(f"  probe {probes}: height {height:.4f}, slope {slope:+.4f}")


def _sandbox(item: Item) -> str:
    return f'Try it: downslope lab --settings "{item.sandbox}"'


def _summary(progress: Progress) -> str:
    parts = [f"{kind} {right}/{n}" for kind, (right, n) in progress.score().items()]
    return "All your answers so far: " + (", ".join(parts) if parts else "none") + "."
