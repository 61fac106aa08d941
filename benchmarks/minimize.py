"""How many of the Moré-Garbow-Hillstrom problems are solved, at what cost, against SciPy.

    python benchmarks/minimize.py [--differences]

Solved: residuals within 1e-6 of zero (value 1e-12), or a value within a millionth of a minimum that
lies above zero. Local minima that the paper names count. An evaluation is one call that answers the
value and the gradient, counted by the function itself. Downslope runs with its defaults; SciPy's
solvers, whose defaults end early, are told to go on while anything is left to gain. With
``--differences`` no solver is given the gradient, and an evaluation is one value.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import scipy.optimize

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from more_garbow_hillstrom import CASES, Case

from downslope.minimizing.minimize import minimize

MOST = 10_000


class Counted:
    """The function of a case, counting its calls and remembering its lowest value."""

    def __init__(self, case: Case, differences: bool) -> None:
        self.case, self.calls, self.lowest = case, 0, np.inf
        self.gradient = None if differences else case.gradient

    def __call__(self, x: np.ndarray) -> float:
        self.calls += 1
        value = self.case.value(x)
        self.lowest = min(self.lowest, value) if np.isfinite(value) else self.lowest
        return value


def ours(fun: Counted) -> None:
    minimize(fun, fun.case.start, fun.gradient)


def scipys(method: str, options: dict[str, float]):
    def solve(fun: Counted) -> None:
        scipy.optimize.minimize(
            fun, fun.case.start, jac=fun.gradient, method=method, options=options
        )

    return solve


SOLVERS = {
    "downslope": ours,
    "L-BFGS-B": scipys("L-BFGS-B", {"ftol": 0.0, "gtol": 1e-14, "maxiter": MOST, "maxfun": MOST}),
    "CG": scipys("CG", {"gtol": 1e-14, "maxiter": MOST}),
}


def main() -> None:
    differences = "--differences" in sys.argv[1:]
    print(f"{'problem':30}{'n':>3}" + "".join(f"{name:>24}" for name in SOLVERS))
    solved, spent = dict.fromkeys(SOLVERS, 0), dict.fromkeys(SOLVERS, 0)
    for case in CASES:
        line = f"{case.name:30}{len(case.start):3}"
        for name, solve in SOLVERS.items():
            fun = Counted(case, differences)
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")  # overflow far out on a trial step
                solve(fun)
            good = case.solved(fun.lowest)
            solved[name] += good
            spent[name] += fun.calls
            line += f"{fun.lowest:13.4e} {'yes' if good else ' no'}{fun.calls:7}"
        print(line)
    print(f"\nsolved of {len(CASES)}, evaluations in all:")
    for name in SOLVERS:
        print(f"  {name:12}{solved[name]:4}{spent[name]:9,}")


if __name__ == "__main__":
    main()
