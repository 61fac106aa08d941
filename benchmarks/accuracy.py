"""Correct digits on NIST's linear problems, raw columns, defaults everywhere.

    python -m benchmarks.accuracy [--write docs/accuracy.md]

The digits of a coefficient are -log10 of its relative error, 15 at most; a row shows those of the
worst coefficient. Norris, Longley, NoInt1, Wampler1 and Wampler4 are read from ``DOWNSLOPE_DATA``;
Wampler2, 3 and 5 follow from their published definitions: powers 0.1^k, and Wampler4's noise at a
hundredth and a hundred times its size. Pontius and Filip lie in ``benchmarks/nist``; solved in
fractions, they give every certified digit (``tests/test_reference_fits.py``).
"""

import argparse
import json
import os
import warnings
from pathlib import Path

import numpy as np

from downslope.estimators import DescentRegressor

DATA = Path(os.environ.get("DOWNSLOPE_DATA", "../shared/data"))
MARKS = ("<!-- digits: begin -->", "<!-- digits: end -->")
NIST = Path(__file__).parent / "nist"
MOST = 15.0
CERTIFIED = {
    "Filip": (
        "-1467.48961422980 -2772.17959193342 -2316.37108160893 -1127.97394098372 -354.478233703349 "
        "-75.1242017393757 -10.8753180355343 -1.06221498588947 -0.670191154593408E-01 "
        "-0.246781078275479E-02 -0.402962525080404E-04"
    ),
    "Pontius": "0.673565789473684E-03 0.732059160401003E-06 -0.316081871345029E-14",
}
"""Coefficients of 1, x, x^2, ... as NIST prints them, of the problems in ``benchmarks/nist``."""


def problems() -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray, bool]]:
    """Columns, target, certified coefficients (intercept first), and whether there is one."""
    table = json.loads((DATA / "nist" / "linear.json").read_text())
    found = {}
    for name, entry in table.items():
        x, y = (np.array(entry[k], dtype=float) for k in ("x", "y"))
        powers = int(entry["design"][4:]) if entry["design"].startswith("poly") else 0
        X = np.column_stack([x.ravel() ** k for k in range(1, powers + 1)]) if powers else x
        X = X.reshape(len(y), -1)
        certified = np.array(list(entry["params"].values()), dtype=float)
        found[name] = (X, y, certified, entry["intercept"])
    if "Wampler1" in found and "Wampler4" in found:
        X, exact, ones, _ = found["Wampler1"]
        noise = (found["Wampler4"][1] - exact) / 100.0
        tenths = 10.0 ** -np.arange(6)
        x = X[:, 0]
        # As published: every term and the sum rounded to five decimals.
        y2 = np.array([round(sum(float(t) * v**k for k, t in enumerate(tenths)), 5) for v in x])
        found["Wampler2"] = (X, y2, tenths, True)
        found["Wampler3"] = (X, exact + noise, ones, True)
        found["Wampler5"] = (X, exact + 10_000.0 * noise, ones, True)
    x, y = np.array([4.0, 5.0, 6.0]), np.array([3.0, 4.0, 4.0])
    found["NoInt2"] = (x[:, None], y, np.array([0.727272727272727]), False)
    for name, printed in CERTIFIED.items():
        certified = np.array([float(each) for each in printed.split()])
        x, y = np.loadtxt(NIST / f"{name.lower()}.csv", delimiter=",", skiprows=1, unpack=True)
        X = np.column_stack([x**k for k in range(1, len(certified))])
        found[name] = (X, y, certified, True)
    return dict(sorted(found.items()))


def ours(X: np.ndarray, y: np.ndarray, intercept: bool) -> np.ndarray:
    model = DescentRegressor(fit_intercept=intercept).fit(X, y)
    return np.append(model.intercept_, model.coef_) if intercept else model.coef_


def numpy_lstsq(X: np.ndarray, y: np.ndarray, intercept: bool) -> np.ndarray:
    A = np.column_stack([np.ones(len(y)), X]) if intercept else X
    return np.linalg.lstsq(A, y, rcond=None)[0]


def scikit_learn(X: np.ndarray, y: np.ndarray, intercept: bool) -> np.ndarray:
    from sklearn.linear_model import LinearRegression

    model = LinearRegression(fit_intercept=intercept).fit(X, y)
    return np.append(model.intercept_, model.coef_) if intercept else model.coef_


def statsmodels_ols(X: np.ndarray, y: np.ndarray, intercept: bool) -> np.ndarray:
    import statsmodels.api as sm

    A = np.column_stack([np.ones(len(y)), X]) if intercept else X
    with warnings.catch_warnings():  # statsmodels turns its own warnings on when it is imported
        warnings.simplefilter("ignore")
        return np.asarray(sm.OLS(y, A).fit().params)


SOLVERS = {
    "downslope": ours,
    "numpy lstsq": numpy_lstsq,
    "scikit-learn": scikit_learn,
    "statsmodels": statsmodels_ols,
}


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """Correct digits of the worst coefficient."""
    error = np.abs(found - certified) / np.abs(certified)
    return float(np.clip(-np.log10(np.maximum(error, 1e-300)).min(), 0.0, MOST))


def table() -> str:
    """One row per problem, one column per program."""
    lines = ["| problem | " + " | ".join(SOLVERS) + " |", "|---|" + "---|" * len(SOLVERS)]
    for name, (X, y, certified, intercept) in problems().items():
        row = [f"{digits(solve(X, y, intercept), certified):.1f}" for solve in SOLVERS.values()]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description="Correct digits on NIST's linear problems.")
    parser.add_argument("--write", type=Path, help="put the table between a page's marks")
    asked = parser.parse_args()
    printed = table()
    print(printed, end="")
    if asked.write is not None:
        above, _, rest = asked.write.read_text().partition(MARKS[0])
        below = rest.partition(MARKS[1])[2]
        asked.write.write_text(f"{above}{MARKS[0]}\n\n{printed}\n{MARKS[1]}{below}")


if __name__ == "__main__":
    main()
