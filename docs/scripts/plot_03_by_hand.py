"""
The gradient, and steps by hand
===============================

The gradient says how fast the cost rises when a weight grows. Minus the gradient points downhill.
One step of gradient descent is ``weight <- weight - learning rate * gradient``, and that is all
there is to it.
"""

# %%
# One weight, three steps, every sum written out.
from downslope.by_hand.formula import trace_formula

worked = trace_formula("(w - 3)^2", {"w": 0}, learning_rate=0.1, steps=3)
print(worked)

# %%
# On the left of the lowest point the slope is negative, so minus the slope moves the weight to the
# right. Near the bottom the slope is small, so the steps shrink by themselves.
from downslope.fitting.walk_picture import picture
from downslope.problems.formula import parse

valley = parse("(w - 3)^2")
longer = trace_formula("(w - 3)^2", {"w": 0}, learning_rate=0.1, steps=15)
figure = picture(valley.value, longer.trace.weights, ["w"], goal=[3.0], value_name="f")
figure

# %%
# **A line through three points.** Engines of three sizes and their prices. The gradient of the mean
# squared error is a mean over the rows of "error times input"; two rows are written out.
from downslope.by_hand.formula import trace_line

size, price = [100, 150, 200], [8000, 12000, 16000]
print(trace_line(size, price, learning_rate=2e-5, steps=2, names=("size", "price")))

# %%
# **Is a gradient right?** Move the weight a little to both sides and look at the cost: the rise
# over the run must be the gradient. Do this whenever you write one yourself.
import numpy as np

width, w = 1e-5, np.array([0.6])
slope = valley.value_and_gradient(w)[1][0]
measured = (valley.value(w + width) - valley.value(w - width)) / (2 * width)
print(f"gradient {slope:.6f}, measured {measured:.6f}")

# %%
# On the command line::
#
#     downslope trace "(w - 3)^2" --start w=0 --learning-rate 0.1 --steps 3
