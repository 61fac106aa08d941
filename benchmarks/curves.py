"""Certified digits of NIST's nonlinear regressions, beside SciPy's Levenberg-Marquardt.

    python -m benchmarks.curves

From both of NIST's starts: correct digits of the worst weight (11 are certified) and steps, or
evaluations for SciPy's ``least_squares(method="lm")``, which is given the same exact derivatives
and the tightest tolerances it takes.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import scipy.optimize

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from nist_nonlinear import FILED, WRITTEN, Nist, filed

from downslope.minimizing.curves import make_curve

DATA = Path(os.environ.get("DOWNSLOPE_DATA", Path(__file__).parents[2] / "shared" / "data"))
ENOUGH = 6.0


def ours(problem: Nist, start: tuple[float, ...]) -> tuple[float, int]:
    result = problem.solve(start)
    return problem.digits(result.w), len(result.trace) - 1


def scipys(problem: Nist, start: tuple[float, ...]) -> tuple[float, int]:
    names = tuple(f"b{i + 1}" for i in range(len(start)))
    curve = make_curve(problem.formula, {"x": problem.x, "y": problem.y}, names, "y")
    found = scipy.optimize.least_squares(
        lambda w: curve.residuals_and_jacobian(w)[0],
        start,
        lambda w: curve.residuals_and_jacobian(w)[1],
        method="lm",
        x_scale="jac",
        ftol=1e-15,
        xtol=1e-15,
        gtol=1e-15,
        max_nfev=10_000,
    )
    return problem.digits(found.x), found.nfev


def main() -> None:
    problems = {name: filed(name, DATA / "nist") for name in FILED} | WRITTEN
    print(f"{'problem':10} {'from':7}{'downslope':>18}{'SciPy lm':>18}")
    solved = {}
    for name, problem in problems.items():
        for which in ("start1", "start2"):
            line = f"{name:10} {which:7}"
            for solve in (ours, scipys):
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # overflow far out on a trial step
                    digits, calls = solve(problem, getattr(problem, which))
                solved[solve.__name__, which] = solved.get((solve.__name__, which), 0) + (
                    digits >= ENOUGH
                )
                line += f"{digits:10.1f} {calls:7}"
            print(line)
    print(f"\n{ENOUGH:.0f} digits or more, of {len(problems)}:")
    for (solver, which), count in solved.items():
        print(f"  {solver:8}{which:8}{count:3}")


if __name__ == "__main__":
    main()
