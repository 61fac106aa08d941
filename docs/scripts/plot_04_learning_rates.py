"""
Learning rates
==============

A learning rate is how far each step goes, in units of the slope. Too small crawls, too large
diverges, and where "too large" begins is a number that the data decide.
"""

# %%
# One feature of 442 people, standardised, and a straight line by mean squared error
# (``loss="mse"``: gradient ``(2/n) sum (z - y) x``).
from sklearn.datasets import load_diabetes

from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows

table = load_diabetes(scaled=False)
X, y = table.data[:, [2]], table.target
y = (y - y.mean()) / y.std()
rows = MemoryRows(X, y)
problem = Objective(standardize(rows).rows(rows), MeanSquares())

# %%
# ``sweep`` walks from the same start with many rates at once and computes where the limit lies.
from downslope.sweeping.sweep import sweep

found = sweep(problem, [0.001, 0.1, 0.9, 1.01], n_steps=60)
print(found)

# %%
# The limit is 2 divided by the largest curvature. A standardised column has curvature 2 under this
# loss, so the limit is exactly 1: 0.9 jumps from side to side and arrives, 1.01 never does.
print(f"largest stable rate: {found.limit.rate:.12g}")

# %%
from downslope.pictures.rates import RateCurve, rate_curves

curves = [
    RateCurve(float(rate), regime, values)
    for rate, regime, values in zip(found.rates, found.regimes, found.values.T, strict=True)
]
figure = rate_curves(curves, limit=found.limit.rate, value_name="mean squared error")
figure

# %%
# The same column raw. Its numbers are larger, so the valley is steeper, and the limit is
# thousands of times smaller. That is why a rate that works for one table fails for another.
raw = sweep(Objective(rows, MeanSquares()), n_steps=60)
print(f"largest stable rate on the raw column: {raw.limit.rate:.4g}")
print(raw.reason)

# %%
# **On the command line.** The same from a file, with its figure. The line that is printed first is
# the command that made what follows.
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import mkdtemp

folder = Path(mkdtemp())
frame = load_diabetes(scaled=False, as_frame=True).frame.rename(columns={"target": "progression"})
frame.to_csv(folder / "diabetes.csv", index=False)


def shell(command):
    """Run a downslope command in the folder, and print it and what it prints."""
    print(f"$ {command}")
    words = [sys.executable, "-m", "downslope", *shlex.split(command)[1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
    print(done.stdout.replace(f"{folder}/", "").rstrip(), done.stderr.rstrip(), sep="\n")


shell(
    "downslope sweep diabetes.csv --target progression --features bmi "
    "--rates 0.001,0.1,0.9,1.01 --figure rates.png"
)
figure = folder / "rates.png"

# %%
# Without rates it chooses the range itself; ``downslope fit`` with a rate of your own says when
# that rate is past the limit, and which one to take.
shell("downslope sweep diabetes.csv --target progression --features bmi,bp")
shell("downslope fit diabetes.csv --target progression --learning-rate 1.5 --batch-size full")
