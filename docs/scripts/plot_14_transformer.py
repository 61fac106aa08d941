"""
A transformer
=============

The same walk, once more: a small language model learns to spell, by guessing the next character of
a text. The parts come from ``examples/transformer.py``, which does all of this at full size.
"""

# %%
# A little grammar makes the text, so what can be learned is known: words are spelled, sentences
# follow templates.
import numpy as np
import torch
from examples.transformer import LanguageModel, make_text, next_letter_loss, sample, windows

text = make_text(1500)
letters = sorted(set(text))
codes = torch.tensor([letters.index(letter) for letter in text])
cut = int(0.9 * len(codes))
learned, held = windows(codes[:cut], 32), windows(codes[cut:], 32)
print(text[:120])
print(f"{len(text)} characters of {len(letters)} kinds")

# %%
# **Attention.** At every place the model asks what came before, and takes from each earlier place a
# share that is itself learned. Then a layer works on each place alone. With weights fresh from the
# dice it writes noise.
torch.manual_seed(0)
model = LanguageModel(len(letters), context=32, width=32, layers=1, heads=4)
print(f"{sum(p.numel() for p in model.parameters())} weights")
print(repr(sample(model, letters, 80)))

# %%
# **The cost** is the one of logistic regression with as many classes as letters: the mean of
# ``-log(probability of the letter that follows)``. Guessing by frequency alone sets the mark to
# beat. No learning rate is given, so short trial runs choose it.
from downslope.modules.training import train
from downslope.rules import AdamW

result = train(
    model,
    next_letter_loss,
    learned,
    rule=AdamW(weight_decay=0.01),
    batch_size=16,
    max_epochs=4,
    validation=held,
)
shares = np.bincount(codes.numpy()) / len(codes)
unigram = -(shares * np.log(shares)).sum()
print(result.reason.sentence)
print(f"cost on text kept aside: {np.nanmin(result.trace['validation']):.3f}")
print(f"by frequency alone:      {unigram:.3f}")

# %%
from downslope.pictures.one_run import convergence

figure = convergence(result.trace, value_name="cross entropy")
figure

# %%
# Not poetry yet, but it has begun to spell. ``python examples/transformer.py`` trains a larger one
# for some minutes.
print(repr(sample(model, letters, 120)))
