"""
Standardising
=============

Columns in different units make a narrow valley: steep along one weight, nearly flat along another.
No single learning rate suits both. Putting the columns on one scale makes the valley rounder, and
the same steps get much further.
"""

# %%
# Two columns of the diabetes table: blood pressure, near a hundred, and the logarithm of a blood
# fat, near five. Both are centred, so only their units differ.
from sklearn.datasets import load_diabetes

from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows

table = load_diabetes(scaled=False)
X = table.data[:, [3, 8]]
y = (table.target - table.target.mean()) / table.target.std()
print("spread of the columns:", X.std(axis=0).round(2))
raw_rows = MemoryRows(X - X.mean(axis=0), y)
raw = Objective(raw_rows, MeanSquares(), fit_intercept=False)
scaled = Objective(standardize(raw_rows).rows(raw_rows), MeanSquares(), fit_intercept=False)

# %%
# The condition number is the largest curvature over the smallest: how much steeper the steepest way
# is than the flattest. Each walk gets nine tenths of the largest rate that is stable for it.
from downslope.curvature import curvature
from downslope.descend import run
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.stopping import GradientNorm, MaxSteps

walks = {}
for name, problem in (("raw", raw), ("standardised", scaled)):
    bend = curvature(problem, problem.start())
    rate = 0.9 * bend.stable_rate(Plain())
    stops = [GradientNorm(1e-6), MaxSteps(20_000)]
    walks[name] = run(problem, problem.start(), Plain(), Constant(rate), stops, keep_weights=True)
    print(
        f"{name:>12}: condition number {bend.condition:7.2f}, rate {rate:.4g}, "
        f"{len(walks[name].trace) - 1} steps"
    )

# %%
# The raw valley. The walk jumps across it and hardly moves along it.
from downslope.fitting.walk_picture import picture

names = ("weight of pressure", "weight of fat")
walk = walks["raw"]
figure = picture(raw.value, walk.trace.weights[:40], names, goal=walk.w)
figure

# %%
# The same two columns, standardised.
walk = walks["standardised"]
figure = picture(scaled.value, walk.trace.weights[:40], names, goal=walk.w)
figure

# %%
# **Nothing is lost.** The model is the same. Its weights are translated back into the units of the
# table, and agree with the walk on the raw columns.
back = standardize(raw_rows).scale
print("standardised, in raw units:", (walks["standardised"].w / back).round(6))
print("raw:                       ", walks["raw"].w.round(6))

# %%
# ``DescentRegressor`` and ``DescentClassifier`` standardise inside, without being asked. Scaling
# cures different units. It does not cure columns that move together: that is what
# :doc:`the round bowl </gallery/plot_10_round_bowl>` is for.
