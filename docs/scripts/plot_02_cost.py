"""
The cost, and its landscape
===========================

A model is a set of numbers, called weights. The cost says how wrong one choice of them is. Every
choice has a cost, so together they make a landscape, and training is the search for its lowest
point.
"""

# %%
# The body mass index of 442 people, and how far their illness had moved on a year later. Two lines
# to guess it, and the mean of the squared errors of each.
import numpy as np
from sklearn.datasets import load_diabetes

from downslope.losses import MeanSquares
from downslope.objective import Objective
from downslope.sources.memory import MemoryRows

table = load_diabetes(scaled=False)
x, y = table.data[:, 2], table.target
problem = Objective(MemoryRows(x[:, None], y), MeanSquares())
for slope, intercept in ((5.0, 20.0), (10.0, -110.0)):
    cost = problem.value(np.array([slope, intercept]))
    print(f"progress = {slope:g} * bmi {intercept:+g}: mean squared error {cost:.0f}")

# %%
# The second line is the better one. Below the points the figure shows what the line leaves over;
# the cost is the mean of the squares of those bars.
from downslope.pictures.fits import fitted_line

figure = fitted_line(x, y, 10.0, -110.0, x_name="bmi", y_name="progress")
figure

# %%
# **One weight: a U.** Keep the intercept and try many slopes. The cost falls to one lowest place
# and rises on both sides. It is a parabola, because the slope enters the error once and the error
# is squared.
from downslope.pictures.one_weight import loss_along

slopes = np.linspace(4, 16, 121)
costs = np.array([problem.value(np.array([slope, -110.0])) for slope in slopes])
best = int(costs.argmin())
print(f"lowest of {len(slopes)} slopes: {slopes[best]:.1f}, mean squared error {costs[best]:.0f}")
figure = loss_along(slopes, costs, name="slope", value_name="mean squared error")
figure

# %%
# **Two weights: a bowl.** Now the intercept may change too. To see the shape well, the column is
# standardised: its mean is taken away, and the rest is divided by its spread.
from downslope.fitting.walk_picture import picture
from downslope.scaling import standardize

rows = MemoryRows(x[:, None], (y - y.mean()) / y.std())
bowl = Objective(standardize(rows).rows(rows), MeanSquares())
lowest = np.array([np.corrcoef(x, y)[0, 1], 0.0])

# %%
# Thirty steps of gradient descent from a corner, drawn on the surface and on the floor below it.
from downslope.descend import run
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.stopping import MaxSteps

walk = run(bowl, np.array([-1.0, -1.0]), Plain(), Constant(0.1), [MaxSteps(30)])
print(f"mean squared error {walk.trace['value'][0]:.3f} -> {walk.trace['value'][-1]:.3f}")
print(f"lowest possible:   {bowl.value(lowest):.3f}")
path, names = walk.trace.weights, ("w", "b")
figure = picture(bowl.value, path, names, goal=lowest, value_name="mean squared error", bowl=True)
figure

# %%
# From above, a landscape is a map: each line joins weights of the same cost. This bowl is equally
# steep on all sides, so the steepest way down leads straight to the bottom.
figure = picture(bowl.value, path, names, goal=lowest)
figure
