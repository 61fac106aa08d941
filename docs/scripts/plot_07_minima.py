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
# **Out of a shallow valley.** Two hundred starts, spread evenly, on the same kind of ground. Plain
# descent stays in the valley it begins in. Momentum carries walks over low ridges, and noise, as
# small batches bring it, shakes them out of shallow valleys while the rate is still large.
import numpy as np

from downslope.landscapes.escape import escapes
from downslope.pictures.ground import escapes as escape_picture

bumps = surface("ripples")
ways = escapes(bumps.problem, bumps.box, lowest=0.0, rate=0.2)
x = np.linspace(*bumps.box[0], 400)
figure = escape_picture(
    x,
    bumps.problem.many(x[None])[0],
    {way.name: way.ends[:, 0] for way in ways},
    {way.name: way.reached for way in ways},
)
figure

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

# %%
# **No slope to follow.** A loss can be flat, as a count of mistakes is, or jagged. Descent has
# nothing to go by there and says so, by name, instead of stopping without a word.
from downslope.minimizing.minimize import minimize

for name, loss, start in (
    ("stairs", lambda w: float(np.floor(abs(w[0]))), [2.5]),
    ("a kink", lambda w: abs(w[0] - 1.0) + 0.1 * w[0], [3.0]),
    ("a top", lambda w: float(np.cos(w[0])), [0.0]),
):
    reason = minimize(loss, start).reason
    print(f"{name}: {reason.name}. {reason.sentence}")
