"""
Batch, mini-batch, stochastic
=============================

The cost is a mean over all rows. A step can read all of them, some, or a single one. Fewer rows
make a cheaper step in a less certain direction.
"""

# %%
# A line by mean squared error, on one standardised column.
import numpy as np
from sklearn.datasets import load_diabetes

from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows

table = load_diabetes(scaled=False)
y = (table.target - table.target.mean()) / table.target.std()
rows = MemoryRows(table.data[:, [2]], y)
problem = Objective(standardize(rows).rows(rows), MeanSquares())
best = np.array([np.corrcoef(table.data[:, 2], y)[0, 1], 0.0])
lowest = problem.value(best)

# %%
# The same rate and the same number of passes over the rows. An epoch is one pass: one step of the
# whole batch, or as many steps as there are rows.
from downslope.descend import run
from downslope.rates import Constant, InverseScaling
from downslope.rules import Plain
from downslope.stopping import MaxEpochs

start, runs = np.array([-0.6, 0.8]), {}
for name, size in (("batch", None), ("mini-batch of 32", 32), ("stochastic", 1)):
    runs[name] = run(
        problem, start, Plain(), Constant(0.02), [MaxEpochs(5)], batch_size=size, keep_weights=True
    )
    above = problem.value(runs[name].trace.weights[-1]) - lowest
    print(f"{name:>16}: {len(runs[name].trace) - 1:5d} steps, {above:.2e} above the lowest cost")

# %%
# All rows: every step goes straight down, but there are few of them.
from downslope.fitting.walk_picture import picture

names = ("w", "b")
figure = picture(problem.value, runs["batch"].trace.weights, names, goal=best)
figure

# %%
# Single rows: many steps, each towards what one person's row wants. The walk reaches the bottom
# early and then wanders around it.
figure = picture(problem.value, runs["stochastic"].trace.weights[:1200], names, goal=best)
figure

# %%
# **The noise floor.** With a constant rate the wandering never ends. How high above the lowest cost
# it stays depends on the rate: a smaller rate wanders lower, and takes longer to get there.
for rate in (0.04, 0.02, 0.01, 0.005):
    walk = run(
        problem, start, Plain(), Constant(rate), [MaxEpochs(20)], batch_size=1, keep_weights=True
    )
    tail = walk.trace.weights[len(walk.trace) // 2 :: 40]
    floor = np.mean([problem.value(w) for w in tail]) - lowest
    print(f"rate {rate:5.3f}: {floor:.2e} above the lowest cost, in the mean")

# %%
# Two ways below the floor: let the rate fall, or take the mean of the last weights. The figure is
# the walk with a falling rate; its wandering dies out.
stops = [MaxEpochs(20)]
falling = run(
    problem, start, Plain(), InverseScaling(0.2, 0.75), stops, batch_size=1, keep_weights=True
)
mean = run(problem, start, Plain(), Constant(0.02), stops, batch_size=1, average_from=4420)
print(f"falling rate:         {problem.value(falling.w) - lowest:.2e} above the lowest cost")
print(f"mean of the weights:  {problem.value(mean.average) - lowest:.2e} above the lowest cost")
figure = picture(problem.value, falling.trace.weights[:1200], names, goal=best)
figure

# %%
# How large should a batch be? Where single rows disagree much, a few more rows help as much as they
# cost. ``useful_batch`` is the size at which a step is worth half of a step on all rows.
from downslope.noise import gradient_noise

for place, w in (("at the start", start), ("near the bottom", best + 0.05)):
    print(f"{place}: useful batch about {gradient_noise(problem, w).useful_batch:.0f} rows")
