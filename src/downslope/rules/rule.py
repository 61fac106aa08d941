"""What every rule answers, and the check of its shares."""

from typing import Any, ClassVar, Protocol

import numpy as np

from downslope.errors import SettingError

Array = Any
NUMPY = (np.ndarray, float)
"""What has operators only; a tensor adds a share of another in one reading of both."""


class Rule(Protocol):
    """Which way: see ``downslope.rules``."""

    name: ClassVar[str]
    scales_coordinates: ClassVar[bool]
    """Each weight has its own step length, so a scalar-length prox would be wrong."""
    always_descends: ClassVar[bool]
    """The direction has a positive product with the gradient, so a line search can end."""

    @property
    def stable_product(self) -> float | None:
        """Largest rate times curvature that does not diverge on a quadratic (None: no bound).

        For rules that scale coordinates the curvature is that of the rescaled Hessian.
        """
        ...

    def init(self, w: Array) -> Any:
        """Memory before the first step."""
        ...

    def direction(self, gradient: Array, w: Array, memory: Any, k: int) -> tuple[Array, Any]:
        """Direction of step ``k`` and the memory after it."""
        ...


def check_share(name: str, number: float) -> None:
    """Refuse a share of the past that would not fade."""
    if not 0.0 <= number < 1.0:
        raise SettingError(f"{name}={number!r} must lie in [0, 1); 0.9 is the usual choice.")
