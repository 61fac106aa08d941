r"""
The round bowl
==============

Why the default needs no learning rate: it makes the valley round first, and then one step of length
1 nearly reaches the lowest point from anywhere.
"""

# %%
# The gradient points straight uphill, so minus the gradient is the way down. It is the way *down*,
# though, not the way *to the bottom*: on the wall of a long valley the steepest way down leads
# across the valley, not along it. How bad that is depends on the columns. Here are two that move
# together, like the length and the width of cars, and a price that depends on both.
import numpy as np

from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.sources.memory import MemoryRows

random = np.random.default_rng(0)
size = random.normal(size=500)
X = np.column_stack([size + 0.25 * random.normal(size=500) for _ in range(2)])
X /= X.std(axis=0)
y = X @ [1.0, 2.0] + 0.3 * random.normal(size=500)
valley = Objective(MemoryRows(X, y), MeanSquares(), fit_intercept=False)

# %%
# Both columns are on one scale already, so standardising has nothing left to do. Still the loss
# bends much more across the valley than along it. The ratio of the two is the *condition number*. A
# rate above 2 / (largest curvature) climbs the walls; a rate below it crawls along the floor.
from downslope.curvature import curvature

bent = curvature(valley, np.zeros(2))
print(f"curvature across the valley {bent.largest:.3f}, along it {bent.smallest:.3f}")
print(f"condition number {bent.condition:.1f}, largest rate {2 / bent.largest:.3f}")

# %%
# **Turn and stretch.** Nothing forbids other coordinates. Turn the picture so that the valley lies
# along an axis, and squeeze that axis until it is as short as the other is: a round bowl. With the
# Hessian :math:`H`, the matrix of all curvatures, these coordinates are :math:`u = H^{1/2} w`. They
# describe the same weights, the same loss and the same lowest point.
from downslope.landscapes.in_round import in_round

bowl = in_round(valley, np.zeros(2))
print(f"condition number {curvature(bowl, np.zeros(2)).condition:.1f}")

# %%
# Now walk in both, from the same weights, each at its own best plain rate. In the bowl that rate is
# 1, whatever the data were: there is nothing left to tune.
from downslope.descend import run
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.stopping import GradientNorm, MaxSteps

start = np.array([-1.4, 2.8])
stops = [GradientNorm(1e-6), MaxSteps(5000)]
best = 2.0 / (bent.largest + bent.smallest)
walks = {
    "valley": run(valley, start, Plain(), Constant(best), stops, keep_weights=True),
    "bowl": run(bowl, bowl.to_round(start), Plain(), Constant(1.0), stops, keep_weights=True),
}
ends = {"valley": walks["valley"].w, "bowl": bowl.to_weights(walks["bowl"].w)}
for name, walk in walks.items():
    print(f"{name:>7}: {len(walk.trace) - 1:3} steps, ends at {ends[name].round(5)}")

# %%
# Before and after: the same valley, the same start, the same end.
from downslope.landscapes.landscape import over_weights
from downslope.pictures.valleys import Valley, whitening


def picture(problem, path):
    """Losses around a path."""
    low, high = path.min(axis=0), path.max(axis=0)
    room = 0.6 * (high - low).max()
    box = [(low[i] - room, high[i] + room) for i in range(2)]
    plane = over_weights(problem, path[-1], (0, 1), box)
    return Valley(plane.a, plane.b, plane.losses, path)


before = picture(valley, walks["valley"].trace.weights)
after = picture(bowl, walks["bowl"].trace.weights)
conditions = tuple(curvature(problem, np.zeros(2)).condition for problem in (valley, bowl))
figure = whitening(before, after, conditions=conditions, names=("length", "width"))
figure

# %%
# (``downslope fit cars.csv --target price --report report.html --in-round`` puts this picture of
# your own table into the report.)
#
# The straight line on the right, told in the weights on the left, is a step that knows how long the
# valley is.
print(bowl.to_weights(walks["bowl"].trace.weights).round(3))

# %%
# **For any number of columns.** All curvatures of 100 columns are 10,000 numbers, and adding them
# up over all rows costs as much as dozens of gradients. The default does it with two. It reads the
# rows once more, multiplies each by the square root of its curvature and by plus or minus one at
# random, and adds it to one row of a small table. The table is a *sketch*: its products of columns
# are right on average, and no row is left out, so that a rare category is seen too. A bowl made
# round by the sketch is nearly round: with :math:`\rho = \sqrt{\text{weights} /
# \text{rows of the table}}` its curvatures lie between :math:`1/(1+\rho)^2` and
# :math:`1/(1-\rho)^2`, however skewed the columns were.
#
# So the number of passes over the rows does not grow with the condition number:
from downslope.bowl.solve import solve
from downslope.losses import LogLoss

Z = random.normal(size=(50_000, 30))
Q = np.linalg.qr(random.normal(size=(30, 30)))[0]
for condition in (1e0, 1e2, 1e4, 1e6):
    A = Z @ (Q * np.logspace(0, -np.log10(condition) / 2, 30)) @ Q.T
    z = Z @ Q @ random.choice([-0.3, 0.3], size=30)
    labels = np.where(z + random.logistic(size=len(z)) > 0, 1.0, -1.0)
    answer = solve(A, labels, LogLoss())
    print(f"condition {condition:8.0e}: {answer.passes:4.1f} passes. {answer.reason.sentence}")

# %%
# Two of those passes are the sketch; a small fit on a sample, which gives the start, is counted by
# the share of the rows that it reads. Where rows are very many, the first pass walks while it
# reads: a few rows from everywhere and a step, some more and a shorter step, so that it ends near
# the lowest point before anything was measured there (``downslope.bowl.run_up``).
#
# **The certificate.** "At most so far above the lowest possible loss" is not a hope. A bowl that
# bends at least by :math:`c` in every direction cannot fall further than :math:`|g|^2 / 2c` from a
# place where its slope is :math:`g`, and :math:`c` is known here, because the bowl was made. Stop
# early, and compare the bound with the truth:
from downslope.bowl.smooth import Settings

lowest = solve(A, labels, LogLoss(), settings=Settings(tol=1e-13)).value
for tol in (1e-1, 1e-3, 1e-6):
    answer = solve(A, labels, LogLoss(), settings=Settings(tol=tol))
    truth = max(answer.value - lowest, 0.0)
    print(f"{answer.passes:4.1f} passes: at most {answer.bound:.1e} above, truly {truth:.1e}")

# %%
# **With an estimator** this is what happens when nothing is asked for. ``reason_`` has the bound,
# and the trace tells the walk in your own standardised columns.
from downslope import DescentClassifier

model = DescentClassifier(alpha=0.0).fit(A, labels)
print(model.reason_)
print([round(float(loss), 6) for loss in model.history_["loss"]])

# %%
# **And the textbook's steps?** They are one line away: standardised columns, a fixed rate, minus
# the gradient, nothing else. On the last columns above, condition number 1e6, a hundred of them:
plain = DescentClassifier(
    alpha=0.0, rule="plain", scaling="standardize", learning_rate=0.1, max_iter=100, tol=None
)
plain.fit(A, labels)
print(plain.reason_)
print(f"loss {plain.history_['loss'][-1]:.6f}, lowest {lowest:.6f}")
