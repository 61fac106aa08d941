"""PyTorch's L-BFGS, full batch: on raw and on standardised columns, in float32 and float64.

Standardising is counted where it is done, the change to float32 is not.
"""

import numpy as np

from benchmarks.convex.solvers import LARGE, Answer, Solver

ROUNDS = (3, 5, 7, 10, 13, 16, 20, 30, 50, 100, 200, 400, 1000)


def lbfgs(width, scaled):
    def prepare(problem):
        import torch

        dtype = getattr(torch, width)
        X, y = torch.from_numpy(problem.X).to(dtype), torch.from_numpy(problem.y)
        return problem, X, y.long() if problem.loss == "multinomial" else y.to(dtype)

    def fit(prepared, budget):
        import torch

        problem, A, y = prepared
        dtype = A.dtype
        center, scale = torch.zeros(A.shape[1], dtype=dtype), torch.ones(A.shape[1], dtype=dtype)
        if scaled:
            scale, center = torch.std_mean(A, 0, correction=0)
            scale[scale == 0] = 1.0
            A = (A - center) / scale
        k = problem.n_classes
        w = torch.zeros(A.shape[1] * k, dtype=dtype, requires_grad=True)
        b = torch.zeros(k, dtype=dtype, requires_grad=True)
        ridge = (problem.l2 / scale**2).to(dtype)
        rounds = 0

        def objective():
            W = w.view(-1, k)
            z = A @ W + b
            if problem.loss == "squared":
                loss = 0.5 * ((z[:, 0] - y) ** 2).mean()
            elif problem.loss == "logistic":
                loss = torch.nn.functional.softplus(-y * z[:, 0]).mean()
            else:
                loss = torch.nn.functional.cross_entropy(z, y)
            return loss + 0.5 * (ridge[:, None] * W * W).sum()

        optimizer = torch.optim.LBFGS(
            [w, b],
            max_iter=int(budget),
            max_eval=2 * int(budget),
            tolerance_grad=0.0,
            tolerance_change=0.0,
            history_size=10,
            line_search_fn="strong_wolfe",
        )

        def closure():
            nonlocal rounds
            rounds += 1
            optimizer.zero_grad()
            value = objective()
            value.backward()
            return value

        optimizer.step(closure)
        W = w.detach().double().view(-1, k) / scale.double()[:, None]
        intercept = b.detach().double() - center.double() @ W
        return Answer(np.concatenate([W.numpy().ravel(), intercept.numpy()]), rounds)

    name = "torch-lbfgs" + ("-scaled" if scaled else "") + ("-f32" if width == "float32" else "")
    losses = frozenset({"squared", "logistic", "multinomial"})
    most = np.inf if scaled and width == "float64" else LARGE
    return Solver(
        name, fit, ROUNDS, losses, prepare=prepare, sparse=False, largest=most, counts="passes"
    )


SOLVERS = tuple(lbfgs(t, s) for t in ("float64", "float32") for s in (False, True))
