"""
Neural networks
===============

A network is straight models in layers, with a bend between them. The cost is a function of all its
weights, its gradient comes from the chain rule, and the walk is the one you know.
"""

# %%
# **What a straight model cannot do.** XOR: yes if exactly one of two inputs is set. No line
# separates the classes. A small network with one hidden layer can.
import numpy as np

from downslope import NetworkClassifier
from downslope.estimators import DescentClassifier

corners, answers = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float), np.array([0, 1, 1, 0])
straight = DescentClassifier(alpha=0.01).fit(corners, answers)
network = NetworkClassifier((8,), activation="tanh", random_state=0).fit(corners, answers)
print(f"straight model: {int((straight.predict(corners) == answers).sum())} of 4 right")
print(f"network:        {int((network.predict(corners) == answers).sum())} of 4 right")

# %%
# **Handwritten digits.** Images of eight by eight pixels, ten classes. No learning rate is given:
# short trial runs choose one, and the model says so.
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, random_state=0)
model = NetworkClassifier(
    (64,), max_iter=30, early_stopping=True, validation_fraction=0.15, random_state=0
).fit(X_train, y_train)
print(model.learning_rate_reason_)
print(model.reason_.sentence)
print(f"network:        {100 * model.score(X_test, y_test):.1f}% right on rows kept aside")
plain = DescentClassifier().fit(X_train, y_train)
print(f"straight model: {100 * plain.score(X_test, y_test):.1f}% right on rows kept aside")

# %%
# The run. Thin lines are single batches, thick ones the means of epochs.
from downslope.pictures.one_run import convergence

figure = convergence(model.history_, value_name="log loss with penalty")
figure

# %%
# Every layer is measured once per epoch: the length of its gradient, and how long its update was
# beside its weights. About a thousandth is healthy; far less, and the layer stands still.
for name in ("gradient_norm", "update_ratio"):
    layers = [model.history_[f"{name}[{layer}]"] for layer in range(2)]
    print(f"{name:13}", *(f"layer {i}: {np.nanmedian(seen):.2g}" for i, seen in enumerate(layers)))

# %%
# **The landscape of a network** has as many directions as weights. A path through it can be drawn
# on the plane of the two directions in which it moved most. The points carry their true loss; what
# the plane shows beneath them can differ, so the largest gap is written above the figure.
from downslope.descend import run
from downslope.fitting.walk_picture import picture
from downslope.losses import LogLoss
from downslope.networks.network import Network
from downslope.rates import Constant
from downslope.rules import Plain
from downslope.sources.memory import MemoryRows
from downslope.stopping import MaxSteps

signs = np.where(answers == 1, 1.0, -1.0)
small = Network(MemoryRows(corners, signs), LogLoss(), (4,))
walk = run(small, small.start(2), Plain(), Constant(0.5), [MaxSteps(120)], keep_weights=True)
print(
    f"{small.size} weights, log loss {walk.trace['value'][0]:.3f} -> {walk.trace['value'][-1]:.3f}"
)
figure = picture(small.value, walk.trace.weights, [f"w{j}" for j in range(small.size)], grid=41)
figure

# %%
# **Around the end of the walk**, in two random directions. Each is as long in every unit as the
# unit's own weights (Li et al. 2018), so that networks of any scale can be compared: at 1 every
# unit has changed by as much as itself.
from downslope.landscapes.landscape import over_random
from downslope.pictures.valleys import Valley, loss_contours

shapes = [*small.shapes, *((units,) for _, units in small.shapes)]
around = over_random(small, walk.w, shapes, resolution=61, seed=1)
figure = loss_contours(
    Valley(around.a, around.b, around.losses, np.empty((0, 2))),
    names=("first random direction", "second random direction"),
    title="The log loss around the weights found",
)
figure

# %%
# **The ground gets sharper on the way.** On all rows and with a constant rate, a network walks to
# where the largest curvature is 2 / rate, the most that the rate can bear, and stays there: the
# loss rises and falls, and goes down in the long run. That is the edge of stability (Cohen et al.
# 2021), and the diagnosis knows it from divergence.
from downslope.curvature import sharpness
from downslope.diagnosis.diagnose import diagnose
from downslope.losses import SquaredError
from downslope.networks.activations import Tanh
from downslope.pictures.ground import sharpness as sharpness_picture

x = np.linspace(-1.0, 1.0, 40)[:, None]
waves = Network(MemoryRows(x, np.sin(4.0 * x[:, 0])), SquaredError(), (12,), Tanh())
rate = Constant(0.4)
walk = run(waves, waves.start(1), Plain(), rate, [MaxSteps(3000)], keep_weights=True)
seen = sharpness(waves, walk.trace, points=40)
print(diagnose(walk, waves, rule=Plain(), rate=rate))
figure = sharpness_picture(
    walk.trace["step"],
    walk.trace["value"],
    seen.steps,
    seen.largest,
    2.0 / rate.rate,
    value_name="half the mean squared error",
)
figure
