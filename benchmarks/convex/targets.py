"""What was promised: at least so many times faster than these peers, to a gap of 1e-6."""

from typing import NamedTuple


class Target(NamedTuple):
    """``ratio`` against the best of ``peers`` (all where empty) that reaches the level."""

    ratio: float
    peers: tuple[str, ...] = ()
    level: float = 1e-6


CHOLESKY, LINEAR = ("sklearn-ridge-cholesky",), ("sklearn-linear",)
L1_SLOW = ("skglm", "liblinear", "sklearn-liblinear", "sklearn-saga")
L1_FAST = ("sklearn-lasso-gram", "celer")
TORCH = (
    "torch-lbfgs",
    "torch-lbfgs-scaled",
    "torch-lbfgs-f32",
    "torch-lbfgs-scaled-f32",
)
TARGETS: dict[str, tuple[Target, ...]] = {
    "logistic-1e6x100-c1e2": (Target(12.0),),
    "logistic-1e6x100-c1e6": (Target(12.0),),
    "logistic-1e6x28": (Target(1.3, TORCH),),
    "logistic-2e5x500": (Target(15.0),),
    "logistic-5e4x2000": (Target(12.0),),
    "logistic-1e6x100-rare": (Target(5.0),),
    "logistic-1e6x100-heavy": (Target(5.0),),
    "squared-1e6x100": (Target(5.0, CHOLESKY), Target(20.0, LINEAR)),
    "squared-1e6x20": (Target(2.0, CHOLESKY),),
    "squared-2e5x500": (Target(7.0, CHOLESKY),),
    "lasso-2e5x100": (Target(2.0, L1_FAST), Target(10.0, ("skglm",))),
    "l1-logistic-2e5x100": (Target(10.0, L1_SLOW),),
    "sparse-2e5x47e3": (Target(1.0, ("snapml-dual",), 1e-5), Target(1.0)),
    "sparse-lasso-5e4x2e4": (Target(1 / 1.5, ("celer", "skglm")),),
    "sparse-elastic-5e4x2e4": (Target(1 / 1.5, ("celer", "skglm")),),
} | {
    name: (Target(1.0),)
    for name in ("adult", "covtype_like", "housing", "diamonds", "a9a", "mnist")
}
FEW = 4.0
"""Times ours that a peer may take where no target asks for more."""


def targets_of(name: str) -> tuple[Target, ...]:
    """Targets of a problem: being the fastest, where nothing else was promised."""
    return TARGETS.get(name, (Target(1.0),))


def limit_ratio(name: str, solver: str) -> float:
    """Times ours that a peer may take: a quarter more than would be enough."""
    asked = [t.ratio for t in targets_of(name) if not t.peers or solver in t.peers]
    return max(FEW, 1.25 * max(asked, default=0.0))
