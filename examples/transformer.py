"""A small language model on the same walk as a line: rate sweep, training, diagnosis, sample.

    python examples/transformer.py                      # 1 M parameters, minutes on two CPU cores
    python examples/transformer.py --file book.txt      # on a text of your own
    python examples/transformer.py --large              # 20 M parameters, where there is a GPU

A decoder-only transformer (Vaswani et al. 2017; Radford et al. 2018) predicts the next character of
a text. The text is made here by a little grammar, so what can be learned is known: words are
spelled, sentences follow templates, and sums are right.
"""

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from downslope.diagnosis.diagnose import diagnose
from downslope.modules.data import make_batches
from downslope.modules.problem import FlatWeights, ModuleProblem, make_batch_loss
from downslope.modules.training import train
from downslope.pictures.one_run import convergence
from downslope.rules import AdamW
from downslope.stopping import MaxSeconds
from downslope.trace import Record
from downslope.trials import Trials, planned, try_rates

NAMES = ("ada", "emmy", "sofia", "carl", "leonhard", "srinivasa")
ANIMALS = ("fox", "owl", "heron", "otter", "hedgehog")
PLACES = ("river", "old mill", "hill", "harbour", "forest")
VERBS = ("walks to", "rests near", "looks for", "draws", "slowly leaves")


def make_text(n_sentences: int, seed: int = 0) -> str:
    """Sentences by a grammar: who does what where, and sums that are right."""
    random = np.random.default_rng(seed)

    def pick(words: tuple[str, ...]) -> str:
        return words[random.integers(len(words))]

    def sentence() -> str:
        if random.random() < 0.3:
            a, b = random.integers(0, 50, 2)
            return f"{a} and {b} make {a + b}."
        who = pick(NAMES) if random.random() < 0.5 else f"the {pick(ANIMALS)}"
        return f"{who} {pick(VERBS)} the {pick(PLACES)}."

    return " ".join(sentence() for _ in range(n_sentences))


class Block(nn.Module):
    """Attention to what came before, then a layer for each place alone; both add to the flow."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_layer = nn.LayerNorm(width), nn.LayerNorm(width)
        self.asked = nn.Linear(width, 3 * width)
        self.joined = nn.Linear(width, width)
        self.layer = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        rows, places, width = x.shape
        parts = self.asked(self.before_attention(x)).view(rows, places, 3, self.heads, -1)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.joined(seen.transpose(1, 2).reshape(rows, places, width))
        return x + self.layer(self.before_layer(x))


class LanguageModel(nn.Module):
    """Scores of the next character at every place of a text."""

    def __init__(self, vocabulary: int, context: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.context = context
        self.letters = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
        self.last = nn.LayerNorm(width)
        self.scores = nn.Linear(width, vocabulary, bias=False)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, text: Tensor) -> Tensor:
        places = torch.arange(text.shape[1], device=text.device)
        return self.scores(self.last(self.blocks(self.letters(text) + self.places(places))))


def next_letter_loss(scores: Tensor, following: Tensor) -> Tensor:
    """Mean cross-entropy over all places, in nats."""
    return F.cross_entropy(scores.flatten(0, 1), following.flatten())


def windows(codes: Tensor, context: int) -> tuple[Tensor, Tensor]:
    """The text cut into rows of ``context`` characters, and the same shifted by one."""
    n = (len(codes) - 1) // context
    return codes[: n * context].view(n, -1), codes[1 : n * context + 1].view(n, -1)


@torch.no_grad()
def sample(model: LanguageModel, letters: list[str], length: int, seed: int = 0) -> str:
    """Text that the model writes, one drawn character after the other."""
    device = next(model.parameters()).device
    random = torch.Generator().manual_seed(seed)
    text = [letters.index(" ")] if " " in letters else [0]
    for _ in range(length):
        seen = torch.tensor([text[-model.context :]], device=device)
        chances = model(seen)[0, -1].softmax(0).cpu()
        text.append(int(torch.multinomial(chances, 1, generator=random)))
    return "".join(letters[i] for i in text[1:])


def try_some(model: nn.Module, data: tuple[Tensor, Tensor], batch: int, steps: int) -> Trials:
    """Short runs at several learning rates, judged on the same rows."""
    weights = FlatWeights(model)
    rows = make_batches(data, weights.dtype, weights.device)
    problem = ModuleProblem(model, make_batch_loss(next_letter_loss), rows, weights)
    judge = list(problem.batches(batch, 1, 0))[:4]
    found = try_rates(
        problem,
        weights.read(),
        AdamW(weight_decay=0.01),
        lambda w: sum(problem.value(w, rows) for rows in judge) / len(judge),
        n_steps=steps,
        batch_size=batch,
        first=2e-3,
    )
    weights.settle(weights.read())
    return found


def curve(values: np.ndarray, floor: float, width: int = 64, height: int = 10) -> str:
    """A curve in characters, with a line at ``floor``."""
    means = np.array([part.mean() for part in np.array_split(values, width)])
    top, rows = means.max(), []
    for level in np.linspace(top, 0.0, height + 1)[:-1]:
        line = "".join("#" if value >= level else " " for value in means)
        rows.append(f"{level:6.2f} {line}")
    return "\n".join([*rows, f"       {'-' * width}  (unigram entropy {floor:.2f})"])


def main(arguments: list[str] | None = None) -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--file", type=Path, help="a text to learn, instead of the made one")
    parser.add_argument("--large", action="store_true", help="20 M parameters, for a GPU")
    parser.add_argument("--sentences", type=int, default=20_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--context", type=int, default=64)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--trial-steps", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--figure", type=Path, help="where to save the loss curve (.svg, .png)")
    options = parser.parse_args(arguments)
    if options.large:
        options.width, options.layers, options.context, options.batch = 512, 6, 256, 32
    device = "cuda" if torch.cuda.is_available() else "cpu"

    text = options.file.read_text() if options.file else make_text(options.sentences)
    letters = sorted(set(text))
    codes = torch.tensor([letters.index(letter) for letter in text], device=device)
    cut = int(0.9 * len(codes))
    data, held = (windows(part, options.context) for part in (codes[:cut], codes[cut:]))
    shares = np.bincount(codes.cpu().numpy()) / len(codes)
    unigram = float(-(shares * np.log(shares)).sum())

    torch.manual_seed(0)
    model = LanguageModel(len(letters), options.context, options.width, options.layers, 4)
    model = model.to(device)
    size = sum(p.numel() for p in model.parameters())
    print(f"{size:,} parameters on {device}, {len(text):,} characters of {len(letters)} kinds")
    print(f"guessing by frequency alone costs {unigram:.3f} nats per character\n")
    before = sample(model, letters, 120)
    print(f"before: {before!r}\n")

    trials = try_some(model, data, options.batch, options.trial_steps)
    print(f"{'rate':>9}  loss after {options.trial_steps} steps")
    for rate, loss in zip(trials.rates, trials.losses, strict=True):
        print(f"{rate:9.1e}  {loss:.4f}{'  <- lowest' if rate == trials.best else ''}")

    per_epoch = math.ceil(len(data[0]) / options.batch)
    epochs = math.ceil(options.steps / per_epoch)
    # Trials are short, and what is fastest at first is rough later: half of it.
    peak = trials.best / 2.0
    print(f"\ntraining for {epochs} epochs of {per_epoch} steps with a peak rate of {peak:.1e}")
    began, shown = time.perf_counter(), [0.0]

    def watch(record: Record) -> None:
        if record.seconds - shown[0] > 15.0:
            shown[0] = record.seconds
            print(f"  step {record.step:5d}  loss {record.value:.3f}  {record.seconds:4.0f} s")

    result = train(
        model,
        next_letter_loss,
        data,
        rule=AdamW(weight_decay=0.01),
        rate=planned(peak, epochs * per_epoch),
        batch_size=options.batch,
        max_epochs=epochs,
        validation=held,
        stops=[MaxSeconds(60.0 * options.minutes)],
        watch=watch,
    )
    seconds, values = time.perf_counter() - began, result.trace["value"]
    validation = float(np.nanmin(result.trace["validation"]))
    print(f"\n{curve(values, unigram)}")
    print(f"\n{len(values) - 1} steps in {seconds:.0f} s. {result.reason.sentence}")
    print(f"held-out loss {validation:.3f} nats per character; by frequency alone {unigram:.3f}")
    print(f"\ndiagnosis:\n{diagnose(result.trace, rule=AdamW())}")
    print(f"\nafter: {sample(model, letters, 240)!r}")
    if options.figure:
        convergence(result.trace).savefig(options.figure)
    return {"unigram": unigram, "held_out": validation, "parameters": size, "seconds": seconds}


if __name__ == "__main__":
    main()
