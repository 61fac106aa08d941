"""
When to stop
============

A walk has no end of its own. Something must say "enough", and it should say why. Here every run
ends with a reason: a name and a sentence.
"""

# %%
# Ten measurements of 442 people, a quarter of the people kept aside. The columns are put on one
# scale first, by the training rows.
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.scaling import standardize
from downslope.sources.memory import MemoryRows

X, y = load_diabetes(return_X_y=True, scaled=False)
y = (y - y.mean()) / y.std()
X_train, X_held, y_train, y_held = train_test_split(X, y, test_size=0.25, random_state=0)
scaling = standardize(MemoryRows(X_train, y_train))
problem = Objective(scaling.rows(MemoryRows(X_train, y_train)), MeanSquares())
held = Objective(scaling.rows(MemoryRows(X_held, y_held)), MeanSquares())

# %%
# The same walk, ended by different stops. A count says nothing about where the walk is. The length
# of the gradient does: at the lowest point it is zero.
from downslope.descend import run
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.stopping import GradientNorm, MaxSeconds, MaxSteps, Progress

plain, rate = Plain(), Constant(0.1)
for stop in (MaxSteps(20), Progress(tol=1e-4), GradientNorm(1e-3), GradientNorm(1e-6)):
    ended = run(problem, problem.start(), plain, rate, [stop, MaxSteps(50_000), MaxSeconds(10)])
    print(f"{ended.reason.name}: {ended.reason.sentence}")
    print(f"    mean squared error {ended.trace['value'][-1]:.8f}")

# %%
# A walk that climbs out of the valley is stopped too, and keeps the last weights that were numbers.
climbs = run(problem, problem.start(), plain, Constant(0.9), [MaxSteps(5000)])
print(f"{climbs.reason.name}: {climbs.reason.sentence}")

# %%
# **Stopping early.** The rows kept aside are never stepped on. Their cost can begin to rise while
# the training cost still falls: the model is then learning the noise of its rows. With many
# made-up columns beside the true ones this is easy to see.
from downslope.stopping import Validation

random = np.random.default_rng(0)
noise_train, noise_held = (random.normal(size=(len(part), 120)) for part in (X_train, X_held))
wide = Objective(
    MemoryRows(np.hstack([scaling.apply(X_train), noise_train]), y_train), MeanSquares()
)
wide_held = Objective(
    MemoryRows(np.hstack([scaling.apply(X_held), noise_held]), y_held), MeanSquares()
)
early = run(
    wide,
    wide.start(),
    plain,
    Constant(0.02),
    [Validation(tol=0.0, patience=150), MaxSteps(2000)],
    validate=wide_held.value,
)
print(early.reason.sentence)
print(f"cost on rows kept aside: {wide_held.value(early.w):.4f} at the weights that are kept")

# %%
# The diamond marks the lowest cost on the rows kept aside. The weights of that step are the answer.
from downslope.pictures.one_run import convergence

figure = convergence(early.trace, value_name="mean squared error")
figure
