"""Spreads of first weights that keep signals of one size through the layers.

References
----------
Glorot and Bengio (2010), Understanding the difficulty of training deep feedforward neural networks;
He et al. (2015), Delving deep into rectifiers.
"""

import math
from typing import Any

import numpy as np

Array = Any


def he(random: np.random.Generator, inputs: int, units: int) -> Array:
    """Gaussian with variance 2 / inputs: keeps the size of signals through rectifiers."""
    return random.normal(0.0, math.sqrt(2.0 / inputs), (inputs, units))


def glorot(random: np.random.Generator, inputs: int, units: int) -> Array:
    """Uniform on +-sqrt(6 / (inputs + units)): a compromise between both directions of travel."""
    bound = math.sqrt(6.0 / (inputs + units))
    return random.uniform(-bound, bound, (inputs, units))


STARTS = {"he": he, "glorot": glorot}
