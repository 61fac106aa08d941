"""
When a run fails
================

A failed run leaves footprints, and most failures have a number that proves them. Here a run fails,
is told why, and is mended by following what it is told.
"""

# %%
# Ten columns of the diabetes table, as they were measured, and a learning rate that sounds modest.
import numpy as np
from sklearn.datasets import load_diabetes

from downslope.descend import run
from downslope.diagnosis.diagnose import diagnose
from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxSteps

table = load_diabetes(scaled=False)
names = tuple(table.feature_names)
y = (table.target - table.target.mean()) / table.target.std()
rows = MemoryRows(table.data, y)


def walk(problem, rate, steps=400):
    """Take so many plain steps, or fewer if the walk arrives or blows up."""
    stops = [GradientNorm(1e-6), MaxSteps(steps)]
    return run(problem, problem.start(), Plain(), Constant(rate), stops)


raw = Objective(rows, MeanSquares())
failed = walk(raw, 0.01)
print(failed.reason.sentence)

# %%
from downslope.pictures.one_run import convergence

figure = convergence(failed.trace, value_name="mean squared error")
figure

# %%
# What the diagnosis says: the symptom, the number that shows it, and what to do.
said = diagnose(failed, raw, names=names)
print(said)

# %%
# **Follow it.** The rate that is named no longer blows up. But the next finding says that this is
# not the end of the trouble.
second = walk(raw, said.fault.next_rate)
said = diagnose(second, raw, names=names)
print(f"mean squared error {second.trace['value'][0]:.4f} -> {second.trace['value'][-1]:.4f}")
print(said)

# %%
# **Follow it again.** Standardise, and take the rate that the curvature of the scaled problem
# allows. Columns that move together still leave some directions slow; the diagnosis has the last
# word on whether that matters.
from downslope.sweeping.sweep import sweep

scaled = Objective(standardize(rows).rows(rows), MeanSquares())
suggested = sweep(scaled, n_steps=50).suggested
third = walk(scaled, suggested, steps=20_000)
print(f"rate {suggested:.4g}: {third.reason.sentence}")
print(f"mean squared error {third.trace['value'][0]:.4f} -> {third.trace['value'][-1]:.4f}")
print(diagnose(third, scaled, names=names))

# %%
figure = convergence(third.trace, value_name="mean squared error")
figure

# %%
# **Or do not choose at all.** The default walk needs no rate, and reaches the same place.
from downslope.estimators import DescentRegressor

model = DescentRegressor(loss="mse").fit(table.data, y)
print(f"mean squared error {np.mean((model.predict(table.data) - y) ** 2):.4f}")
print(model.diagnosis_.verdict)

# %%
# On the command line::
#
#     downslope fit table.csv --target price --out model
#     downslope diagnose model
#
# What each symptom means stands in :doc:`/howto/read_a_diagnosis`.
