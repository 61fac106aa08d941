"""What every loss answers, for NumPy's arrays and PyTorch's alike."""

import sys
from typing import Any, ClassVar, Protocol

import numpy as np

Array = Any  # a NumPy array or anything with its operators


def library_of(z: Array) -> Any:
    """The library an array belongs to."""
    if isinstance(z, (np.ndarray, np.generic, float, int)):
        return np
    return sys.modules[type(z).__module__.partition(".")[0]]


class Loss(Protocol):
    """What every loss answers; see the table in ``downslope.losses``."""

    name: ClassVar[str]
    code: ClassVar[int]
    link: ClassVar[str]
    max_curvature: ClassVar[float | None]

    @property
    def parameter(self) -> float:
        """The one number the loss is tuned by (0 where it has none)."""
        ...

    def value(self, z: Array, y: Array) -> Array:
        """Loss of each row."""
        ...

    def slope(self, z: Array, y: Array) -> Array:
        """Derivative of the loss of each row in its raw prediction."""
        ...

    def curvature(self, z: Array, y: Array) -> Array:
        """Second derivative of the loss of each row in its raw prediction."""
        ...
