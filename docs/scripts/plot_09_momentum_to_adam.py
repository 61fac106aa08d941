"""
From momentum to Adam
=====================

In a long narrow valley plain descent zigzags: it jumps across and creeps along. Other rules
remember earlier steps and do better.
"""

# %%
# The valley, and its two curvatures. Plain descent can only be as fast as the steep direction
# allows, and the flat one has to wait.
import numpy as np

from downslope.curvature import curvature
from downslope.problems.surfaces import surface

valley = surface("narrow_valley")
start = np.array(valley.start, dtype=float)
bend = curvature(valley.problem, start)
print(f"f = {valley.text}")
print(f"curvature {bend.smallest:g} along, {bend.largest:g} across")

# %%
# - *Momentum* adds up the steps. What points along the valley grows, what jumps across cancels.
# - *Nesterov* does the same, with the slope felt a little further ahead.
# - *RMSProp* gives every weight its own step, divided by the size of its recent slopes.
# - *Adam* does both: a running mean of slopes, divided by a running size of them.
#
# A race under one protocol: the same start, the same number of gradients, and for every rule the
# best rate that a sweep finds.
from downslope.rules import Adam, Momentum, Nesterov, Plain
from downslope.sweeping.race import race

rules = [Plain(), Momentum(0.8), Nesterov(0.8), Adam()]
result = race(valley.problem, [(rule, None) for rule in rules], start, evaluations=120)
print(result)

# %%
# The last column counts gradients until a thousandth of the first height is left, measured from
# the best end of all. The figure draws the ways of plain descent, momentum and Adam.
from downslope.descend import run
from downslope.fitting.walk_picture import landscape
from downslope.pictures.rates import RuleCurve, rule_curves
from downslope.rates import Constant
from downslope.stopping import MaxSteps

curves, paths = [], []
for rule in (Plain(), Momentum(0.8), Adam()):
    runner = next(each for each in result.runners if each.name == rule.name)
    curves.append(RuleCurve(rule.name, runner.evaluations, runner.values))
    walk = run(valley.problem, start, rule, Constant(runner.rate), [MaxSteps(60)])
    paths.append(walk.trace.weights)
ground = landscape(valley.problem.value, np.vstack(paths), goal=np.zeros(2))
figure = rule_curves(curves, target=result.target, valley=ground, paths=paths, names=("x", "y"))
figure

# %%
# None of this is free. Momentum may overshoot, and Adam keeps a step of its own size even close to
# the bottom, so it needs a rate that falls. On the command line::
#
#     downslope race table.csv --target price
