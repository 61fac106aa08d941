r"""
The round bowl
==============

Why the default needs no learning rate: it makes the valley round first, and then one step of length
1 nearly reaches the lowest point from anywhere.
"""

# %%
# **A skewed valley.** Two columns that move together, such as the length and the weight of cars,
# make a long narrow valley: steep across, almost flat along. A step short enough for the walls is
# far too short for the floor.
import numpy as np

from downslope.curvature import curvature
from downslope.descend import run
from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.pictures.valleys import Valley, whitening
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.sources.memory import MemoryRows
from downslope.stopping import GradientNorm, MaxSteps

random = np.random.default_rng(0)
shared = random.normal(size=500)
X = np.column_stack([shared + 0.25 * random.normal(size=500) for _ in range(2)])
y = X @ [1.0, 2.0] + 0.3 * random.normal(size=500)
skewed = Objective(MemoryRows(X, y), MeanSquares(), fit_intercept=False)

# %%
# **A round bowl.** Let :math:`X'X / n = R'R`. In the coordinates :math:`u = R w` the same loss has
# the same curvature in every direction. Descent in ``u`` is descent on the columns
# :math:`X R^{-1}`.
R = np.linalg.cholesky(X.T @ X / len(X)).T
whitened = Objective(
    MemoryRows(np.linalg.solve(R.T, X.T).T.copy(), y), MeanSquares(), fit_intercept=False
)

start, runs = np.array([-1.4, 2.8]), {}
for name, problem, w0 in (("skewed", skewed, start), ("round", whitened, R @ start)):
    bent = curvature(problem, w0)
    rate = 0.9 * 2.0 / bent.largest if name == "skewed" else 1.0 / bent.largest
    stops = [GradientNorm(1e-9), MaxSteps(5000)]
    runs[name] = run(problem, w0, Plain(), Constant(rate), stops, keep_weights=True)
    print(
        f"{name:>7}: condition number {bent.condition:9.4g}, rate {rate:.4f}, "
        f"{len(runs[name].trace) - 1} steps"
    )

# %%
# The same valley before and after, with both paths from the same start.


def valley(problem, path):
    """Losses on a grid around a path."""
    low, high = path.min(axis=0), path.max(axis=0)
    room = 0.6 * (high - low).max()
    a, b = (np.linspace(low[i] - room, high[i] + room, 81) for i in range(2))
    losses = np.array([[problem.value(np.array([p, q])) for p in a] for q in b])
    return Valley(a, b, losses, path)


valleys = [
    valley(problem, runs[name].trace.weights)
    for name, problem in (("skewed", skewed), ("round", whitened))
]
conditions = tuple(curvature(problem, np.zeros(2)).condition for problem in (skewed, whitened))
figure = whitening(*valleys, conditions=conditions, names=("first weight", "second weight"))
figure

# %%
# **For any number of columns.** Forming :math:`X'X` of many columns costs far more than reading the
# rows. The default hashes the rows, weighted by the curvature of their loss and with random signs,
# into a small table, and takes R from that table. The bowl is then nearly round, with curvatures
# between :math:`1/(1+\rho)^2` and :math:`1/(1-\rho)^2`, however skewed the columns were. How many
# passes over the rows that leaves, on columns that are worse and worse:
from downslope.bowl.solve import solve
from downslope.losses import LogLoss

Z = random.normal(size=(50_000, 30))
Q = np.linalg.qr(random.normal(size=(30, 30)))[0]
for condition in (1e0, 1e2, 1e4, 1e6):
    A = Z @ (Q * np.logspace(0, -np.log10(condition) / 2, 30)) @ Q.T
    z = Z @ Q @ random.choice([-0.3, 0.3], size=30)
    labels = np.where(z + random.logistic(size=len(z)) > 0, 1.0, -1.0)
    answer = solve(A, labels, LogLoss())
    print(f"condition {condition:8.0e}: {answer.passes:5.1f} passes, {answer.reason.sentence}")

# %%
# **The certificate.** "At most so far above the lowest possible loss" is not a hope: in round
# coordinates the loss curves at least so much in every direction, so a short gradient means a low
# place. The bound is printed with every fit, and a test holds it against an optimum found to
# full precision.
