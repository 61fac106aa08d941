"""
Minima and basins
=================

Straight models have one lowest point. Other landscapes have many valleys, and descent ends in the
one below its start.
"""

# %%
# In a list of costs a local minimum is lower than its neighbours. A flat bottom counts once, and an
# end counts too.
from downslope.landscapes.minima import count_minima

print(count_minima([3, 1, 1, 8, 6, 5, 2, 6, 4, 3]))

# %%
# **One weight.** A bowl with ripples. Every start rolls to a minimum, and the shaded stretches, the
# basins, show to which one.
from downslope.fitting.walk_picture import basin_picture
from downslope.landscapes.minima import basins, minima
from downslope.problems.formula import parse
from downslope.problems.surfaces import surface

ripples, box = parse("w^2/20 + 2*sin(1.5*w)^2/3"), [(-7.0, 7.0)]
print(f"f = {ripples.text}")
ground = basins(ripples, box, resolution=121)
for line in ground.minima.lines():
    print(line)
places = [place.w for place in ground.minima.places]
figure = basin_picture(ripples.value, ground.axes, ground.labels, places, ["w"])
figure

# %%
# **Out of a shallow valley.** Two hundred starts, spread evenly. Plain descent stays in the valley
# it begins in. Momentum carries some walks over the next hill.
import numpy as np

from downslope.rates import Constant
from downslope.rules import Momentum, Plain
from downslope.stopping import MaxSteps
from downslope.sweeping.race import restarts

starts = list(np.random.default_rng(0).uniform(-7, 7, (200, 1)))
for rule in (Plain(), Momentum(0.95)):
    ends = restarts(ripples, starts, rule, Constant(0.1), [MaxSteps(400)])
    print(f"{rule.name:>8}: {100 * ends.share(1e-3):.1f}% of the starts reach the lowest point")

# %%
# **Two weights.** Himmelblau's surface has four lowest points of the same height. The dashed
# borders run along the ridges between them.
himmelblau = surface("himmelblau")
ground = basins(himmelblau.problem, himmelblau.box, resolution=61)
places = [place.w for place in ground.minima.places]
figure = basin_picture(
    himmelblau.problem.value, ground.axes, ground.labels, places, himmelblau.problem.names
)
figure

# %%
# Where the slope is zero there need not be a minimum. The smallest curvature tells: above zero it
# is a minimum, below zero a saddle, where one way still leads down.
for start in ([0.5, 0.4], [0.0, 1.5]):
    found = minima(surface("saddle").problem, surface("saddle").box, np.array([start]))
    place = found.places[0]
    at = np.abs(place.w).round(6)
    print(f"from {start}: a {place.kind} at distance {at} of 0, curvature {place.smallest:.2f}")
