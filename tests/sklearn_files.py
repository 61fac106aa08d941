"""scikit-learn's own test files of linear models, run with our weights inside.

    python tests/sklearn_files.py [--write docs/accuracy.md]

``sklearn_adapters`` has the models, ``sklearn_linear_plugin`` puts them in place. Only tests in
which one of ours is asked for a fit are counted. Tests that scikit-learn marks as failing for its
own models are run like the others.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
MARKS = ("<!-- sklearn: begin -->", "<!-- sklearn: end -->")
FILES = {
    "LogisticRegression": "tests.test_logistic",
    "Ridge": "tests.test_ridge",
    "PoissonRegressor": "_glm.tests.test_glm",
    "ElasticNet": "tests.test_coordinate_descent",
    "HuberRegressor": "tests.test_huber",
}
QUICK = {
    "PoissonRegressor": "warm or linalg or poisson",
    "HuberRegressor": "not sample_weights and not sparse",
    "LogisticRegression": "not cv and not array_api and not elastic_net_vs",
    "ElasticNet": "not cv and not array_api",
    "Ridge": "not cv and not array_api and not solver_consistency",
}
"""What of each file is quick enough for every day, as pytest's ``-k``."""
EITHER = {
    "wants seven digits of what rounding leaves six of: small weights under L1, tiny gaps": [
        r"LogisticRegression::test_logistic_regression_cv_refit\[.*-1\]",
        r"LogisticRegression::test_logreg_l1\[.*",
        r"ElasticNet::test_lasso_dual_gap",
    ],
    "cuts walks off early and wants them to have met; rounding decides whether ours have": [
        r"ElasticNet::test_warm_start",
    ],
}
"""Tests that pass on one processor and fail on another, by the reason why."""
LEFT = {
    "keeps weights above zero, which no model of ours does": [
        r"Ridge::test_ridge_(positive_regression|ground_truth_positive|positive_error)_test.*",
        r"Ridge::test_(positive_ridge_loss|lbfgs_solver_error).*",
        r"Ridge::test_ridge_(fit_intercept_sparse|sample_weight_consistency)\[.*lbfgs.*",
        r"Ridge::test_dtype_match\[lbfgs\]",
        r"ElasticNet::test_(lasso|enet)_positive_constraint",
        r"ElasticNet::test_enet_alpha_max\[.*True-(True|False)-\w+-\w+-\w+\]",
    ],
    "wants the words in which a solver of scikit-learn's warns; ours warned in its own": [
        r"LogisticRegression::test_max_iter.*",
        r"LogisticRegression::test_logistic_regression_path_convergence_fail",
        r"ElasticNet::test_enet_coordinate_descent_raises_convergence.*",
    ],
    "wants a solver of scikit-learn's to give up or to warn; ours finds the answer": [
        r"LogisticRegression::test_newton_cholesky_fallback_to_lbfgs",
        r"PoissonRegressor::test_linalg_warning_with_newton_solver.*",
        r"Ridge::test_ridge_fit_intercept_sparse_error.*",
        r"Ridge::test_ridge_fit_intercept_sparse_sag.*",
        r"ElasticNet::test_(enet_nonfinite_params|lasso_alpha_warning)",
    ],
    "counts iterations or callbacks of a solver of scikit-learn's": [
        r"LogisticRegression::test_logistic_regression_callback_support.*",
        r"Ridge::test_n_iter",
        r"ElasticNet::test_warm_start_convergence.*",
        r"HuberRegressor::test_huber_warm_start",
    ],
    "wants a wrong table of products to be noticed, or rows unchecked or written over": [
        r"ElasticNet::test_(elasticnet_precompute_incorrect_gram|overridden_gram_matrix)",
        r"ElasticNet::test_(check_input_false|enet_copy_X_False_check_input_False)",
    ],
    "wants the shortest weights, intercept counted in; fails for scikit-learn's Ridge too": [
        r"Ridge::test_ridge_regression_unpenalized(_[hv]stacked_X)?\[.*-wide-True-.*",
    ],
    "lets the width of Huber's loss fall to 1e-13 of targets that fewer rows than columns fit": [
        r"HuberRegressor::test_huber_sample_weights.*",
    ],
    "leaves a class out of a fold: scikit-learn gives it weights, ours knows what it has seen": [
        r"LogisticRegression::test_(multinomial_cv_iris|logistic_cv_folds_with_classes_missing).*",
    ],
}
"""Tests that fail on our weights on any machine, by the reason why: patterns of ``model::test``."""


def outcomes(model: str, only: str | None = None) -> dict[str, dict]:
    """What came out of each test of a model's file in which ours was asked for a fit."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "outcomes.json"
        paths = (str(HERE), os.environ.get("PYTHONPATH"))
        environment = os.environ | {
            "DOWNSLOPE_OUTCOMES": str(told),
            "OMP_NUM_THREADS": "1",
            "SKLEARN_SEED": "42",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        options = ["-p", "sklearn_linear_plugin", "-p", "no:cacheprovider", "-q", "--runxfail"]
        options += [
            "--pyargs",
            f"sklearn.linear_model.{FILES[model]}",
            *(["-k", only] if only else []),
        ]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if not told.exists():
            raise SystemExit(run.stdout[-4000:] + run.stderr[-4000:])
        tests = json.loads(told.read_text(encoding="utf-8"))
    return {f"{model}::{test}": said for test, said in tests.items() if said["ours"]}


def reasons(test: str) -> list[str]:
    """Why that test is expected to fail, or may."""
    listed = (LEFT | EITHER).items()
    return [why for why, tests in listed if any(re.fullmatch(t, test) for t in tests)]


def surprises(found: dict[str, dict]) -> Iterator[str]:
    """Tests that failed and should pass, and the other way round."""
    for test, said in found.items():
        why = reasons(test)
        expected = len(why)
        if said["passed"] and not EITHER.keys() >= set(why):
            yield f"{test} passed, but is listed as one that fails"
        if not said["passed"] and expected != 1:
            yield f"{test} failed, {expected} reasons known: {said['why'][:500]}"


def table(found: dict[str, dict]) -> str:
    """How many pass, model by model, and how many are left, reason by reason."""
    lines = [f"{'':20}{'on our weights':>15}{'pass':>7}{'left':>7}"]
    for model in FILES:
        passed = [said["passed"] for test, said in found.items() if test.startswith(f"{model}::")]
        lines.append(f"{model:20}{len(passed):15}{sum(passed):7}{len(passed) - sum(passed):7}")
    lines.append("\nleft, because the test")
    left = [why for test, said in found.items() if not said["passed"] for why in reasons(test)]
    lines += [f"{left.count(why):4}  {why}" for why in LEFT | EITHER]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", type=Path, help="put the table between a page's marks")
    page = parser.parse_args().write
    found = {}
    for model in FILES:
        found |= outcomes(model)
    printed = table(found)
    print(printed, *surprises(found), sep="\n")
    if page is not None:
        above, _, rest = page.read_text(encoding="utf-8").partition(MARKS[0])
        below = rest.partition(MARKS[1])[2]
        block = f"{MARKS[0]}\n\n```text\n{printed}```\n\n{MARKS[1]}"
        page.write_text(f"{above}{block}{below}", encoding="utf-8")


if __name__ == "__main__":
    main()
