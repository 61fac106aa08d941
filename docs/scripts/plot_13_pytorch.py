"""
PyTorch modules
===============

Any PyTorch module walks the same walk: its parameters are one list of weights, and PyTorch gives
the gradient. Or keep your own loop, and let it be watched.
"""

# %%
# **Train a module.** Handwritten digits, one hidden layer. No learning rate is given, so short
# trial runs choose it.
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from downslope.modules.training import train

X, y = load_digits(return_X_y=True)
X = torch.tensor(X / 16, dtype=torch.float32)
X_train, X_test, y_train, y_test = train_test_split(X, torch.tensor(y), random_state=0)


def make_module():
    """Return a module with fresh weights, always the same ones."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))


module, loss = make_module(), torch.nn.CrossEntropyLoss()
result = train(module, loss, (X_train, y_train), batch_size=64, max_epochs=10)
print(result.reason.sentence)
right = (module(X_test).argmax(1) == y_test).float().mean()
print(f"{100 * right:.1f}% right on rows kept aside")

# %%
# The rate rises for a short while and then falls to zero along a cosine.
from downslope.pictures.one_run import convergence

figure = convergence(result.trace, value_name="cross entropy")
figure

# %%
# **Watch a loop of your own.** Nothing inside it changes. This one trains a straight model on
# pixels that were never scaled, with a rate that does for scaled ones.
from downslope.modules.watch import watch

pixels = 16 * X_train.double()
wanted = torch.nn.functional.one_hot(y_train).double()
squares = torch.nn.MSELoss()


def loop(rate):
    """Take a hundred steps of plain descent, as they are written everywhere."""
    module = torch.nn.Linear(64, 10).double()
    torch.nn.init.zeros_(module.weight)
    torch.nn.init.zeros_(module.bias)
    optimizer = torch.optim.SGD(module.parameters(), lr=rate)
    with watch(module, squares) as seen:
        for _ in range(100):
            optimizer.zero_grad()
            squares(module(pixels), wanted).backward()
            optimizer.step()
            seen.end_epoch()
    return seen


wild = loop(0.5)
said = wild.diagnose()
print(said)

# %%
# The first finding names a rate to try next. With it the loop comes down.
rate = said.fault.next_rate
mended = loop(rate)
for name, seen in ((0.5, wild), (rate, mended)):
    print(f"rate {name:.3g}: loss {seen.trace['value'][0]:.3f} -> {seen.trace['value'][-1]:.3g}")
figure = convergence(mended.trace, value_name="mean squared error")
figure

# %%
# Loops inside Lightning or Hugging Face's ``Trainer`` are watched by a callback:
# ``downslope.modules.callbacks.lightning_callback()`` and ``trainer_callback()``. After the fit
# their ``run.diagnose()`` is the same as here.

# %%
# **For scikit-learn's world** a module can also be an estimator, with ``fit`` and ``predict``.
from downslope.modules.estimators import ModuleClassifier


def network(n_features, n_outputs):
    """Make a module for so many columns and classes."""
    return torch.nn.Sequential(
        torch.nn.Linear(n_features, 32), torch.nn.ReLU(), torch.nn.Linear(32, n_outputs)
    )


model = ModuleClassifier(network, max_epochs=10, random_state=0)
model.fit(X_train.numpy(), y_train.numpy())
print(f"{100 * model.score(X_test.numpy(), y_test.numpy()):.1f}% right on rows kept aside")
