"""PyTorch's L-BFGS on standardised columns, full batch, float32 and float64."""

import numpy as np
import torch

from benchmarks.convex.solvers import Solver


def lbfgs(dtype):
    def fit(problem, budget):
        X = torch.from_numpy(problem.X)
        center, scale = X.mean(0), X.std(0, correction=0)
        scale[scale == 0] = 1.0
        A = ((X - center) / scale).to(dtype)
        k = problem.n_classes
        y = torch.from_numpy(problem.y)
        y = y.long() if problem.loss == "multinomial" else y.to(dtype)
        w = torch.zeros(A.shape[1] * k, dtype=dtype, requires_grad=True)
        b = torch.zeros(k, dtype=dtype, requires_grad=True)
        ridge = (problem.l2 / scale**2).to(dtype)

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
            optimizer.zero_grad()
            value = objective()
            value.backward()
            return value

        optimizer.step(closure)
        W = w.detach().double().view(-1, k) / scale[:, None]
        return np.concatenate([W.numpy().ravel(), (b.detach().double() - center @ W).numpy()])

    name = "torch-lbfgs" + ("-f32" if dtype == torch.float32 else "")
    losses = frozenset({"squared", "logistic", "multinomial"})
    return Solver(name, fit, (5, 10, 15, 20, 30, 50, 100, 200, 400, 1000), losses, sparse=False)


SOLVERS = (lbfgs(torch.float64), lbfgs(torch.float32))
