"""Vowpal Wabbit from its own binary cache: online passes at its default rate, and its L-BFGS.

Writing the text and the cache is not counted. Its L2 counts rows one by one, its intercept is not
penalised only where there is no L2, so problems of tiny L2 are compared as if they had none.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.datasets import dump_svmlight_file

from benchmarks.convex.solvers import Answer, Solver

LOSSES = {"squared": "squared", "logistic": "logistic"}


def write(problem):
    """Rows as text in a folder that lives as long as the process, and the cache beside it."""
    folder, text = Path(tempfile.mkdtemp(prefix="vw-")), io.BytesIO()
    dump_svmlight_file(sparse.csr_matrix(problem.X), problem.y, text)
    with (folder / "rows.vw").open("wb") as out:
        for line in text.getvalue().splitlines(keepends=True):
            out.write(line.replace(b" ", b" | ", 1))
    learn(problem, folder, "--passes 1")
    return problem, folder


def learn(problem, folder, options):
    import vowpalwabbit

    bits = max(18, int(np.ceil(np.log2(problem.X.shape[1] + 1))) + 2)
    return vowpalwabbit.Workspace(
        f"--quiet -b {bits} --loss_function {LOSSES[problem.loss]} --holdout_off "
        f"-d {folder / 'rows.vw'} --cache_file {folder / 'rows.cache'} {options}"
    )


def fit(options):
    def run(prepared, budget):
        problem, folder = prepared
        model = learn(problem, folder, f"--passes {int(budget)} {options}")
        names = [str(j) for j in range(problem.X.shape[1])]
        w = [model.get_weight_from_name(name) for name in names]
        w.append(model.get_weight_from_name("Constant", "Constant"))
        model.finish()
        return Answer(np.array(w), budget)

    return run


BOTH = frozenset(LOSSES)
PASSES = (1, 2, 5, 10, 20, 50, 100)
SOLVERS = (
    Solver("vw", fit(""), PASSES, BOTH, prepare=write, largest=1.5e7, counts="passes"),
    Solver(
        "vw-bfgs",
        fit("--bfgs --l2 0"),
        PASSES[2:],
        BOTH,
        prepare=write,
        largest=1.5e7,
        counts="passes",
    ),
)
