"""What was promised: at least so many times faster than these peers, to a gap of 1e-6."""

from typing import NamedTuple


class Target(NamedTuple):
    """``ratio`` against the best of ``peers`` (all where empty) that reaches the level."""

    ratio: float
    peers: tuple[str, ...] = ()
    level: float = 1e-6


CHOLESKY, LINEAR = ("sklearn-ridge-cholesky",), ("sklearn-linear",)
NEWTON = ("sklearn-newton-cholesky",)
SECOND = ("sklearn-newton-cholesky", "cyanure", "glum")
L1_SLOW = ("skglm", "liblinear", "sklearn-liblinear", "sklearn-saga")
L1_FAST = ("sklearn-lasso-gram", "celer")
TARGETS: dict[str, tuple[Target, ...]] = {
    "logistic-1e6x100-c1e2": (Target(20.0, NEWTON), Target(1.0)),
    "logistic-1e6x100-c1e6": (Target(20.0, NEWTON), Target(1.0)),
    "logistic-3e5x100": (Target(15.0, NEWTON), Target(1.0)),
    "squared-1e6x100": (Target(3.5, CHOLESKY), Target(20.0, LINEAR)),
    "squared-1e6x20": (Target(2.5, CHOLESKY),),
    "squared-1e5x100": (Target(2.0, CHOLESKY),),
    "squared-2e5x500": (Target(3.0, CHOLESKY),),
    "logistic-1e6x28": (Target(1.3, ("torch-lbfgs-scaled",)), Target(1.0)),
    "logistic-2e5x500": (Target(15.0, SECOND), Target(1.0)),
    "logistic-5e4x2000": (Target(12.0, SECOND), Target(1.0)),
    "logistic-1e6x100-rare": (Target(5.0, SECOND), Target(1.0)),
    "logistic-1e6x100-heavy": (Target(5.0, SECOND), Target(1.0)),
    "lasso-2e5x100": (Target(2.0, L1_FAST), Target(10.0, ("skglm",))),
    "l1-logistic-2e5x100": (Target(10.0, L1_SLOW),),
    "sparse-2e5x47e3": (Target(1.0, ("snapml-dual",), 1e-5), Target(1.0)),
    "sparse-lasso-5e4x2e4": (Target(1 / 1.5, ("celer", "skglm")),),
    "sparse-elastic-5e4x2e4": (Target(1 / 1.5, ("celer", "skglm")),),
} | {
    name: (Target(1.0),)
    for name in ("adult", "covtype_like", "housing", "diamonds", "a9a", "mnist")
}
READS = {"logistic-1e6x100-c1e2": 12.0, "logistic-1e6x100-c1e6": 12.0}
"""Reads of the rows (``X.sum()``) that the public call may cost, to 1e-6."""
FEW = 3.0
"""Times ours that a peer may take where no target asks for more."""
TWO_THREADS = ("logistic-1e6x100-c1e2", "squared-1e6x100", "squared-2e5x500", "logistic-2e5x500")
"""The largest few, which run on two threads too."""


def targets_of(name: str) -> tuple[Target, ...]:
    """Targets of a problem: being the fastest, where nothing else was promised."""
    return TARGETS.get(name, (Target(1.0),))


def limit_ratio(name: str, solver: str) -> float:
    """Times ours that a peer may take: a quarter more than would be enough."""
    asked = [t.ratio for t in targets_of(name) if not t.peers or solver in t.peers]
    return max(FEW, 1.25 * max(asked, default=0.0))
