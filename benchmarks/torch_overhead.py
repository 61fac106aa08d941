"""What the walk and the watch cost a PyTorch module, per step, against a loop written by hand.

    python -m benchmarks.torch_overhead [--threads 2] [--batch 256] [--steps 60] [--rounds 7]

A module of a million parameters (500-1000-490-10, ReLU), rows in memory. The loop by hand picks the
same batches, steps with ``torch.optim`` and adds up ``loss.item()``, as loops do. Rounds alternate
between all candidates; the numbers are the best rounds' median steps. On one thread it is
processor time that counts, so that a busy machine does not disturb; else the wall's. On a GPU,
where there is one, everything is measured there too.
"""

import argparse
import os
import sys
import time

import numpy as np

OPTIMIZERS = {
    "plain": ("SGD", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "adam": ("Adam", {}),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    if options.threads == 1:
        time.perf_counter = time.process_time
    import torch

    torch.set_num_threads(options.threads)
    print(f"# python -m benchmarks.torch_overhead {' '.join(sys.argv[1:])}")
    print(f"# torch {torch.__version__}, {options.threads} threads, batch {options.batch}\n")
    print("| device | rule | by hand | ours | overhead | torch.optim in ours | watched by hand |")
    print("|---|---|---|---|---|---|---|")
    for device in ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]:
        for rule in OPTIMIZERS:
            print(row(device, rule, options), flush=True)


def row(device: str, rule: str, options: argparse.Namespace) -> str:
    candidates = {"hand": by_hand, "ours": ours, "optim": optim_in_ours, "watched": watched}
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(options.rounds):
        for name, candidate in candidates.items():
            times[name].append(candidate(device, rule, options.batch, options.steps))
    hand, own, optim, seen = (1e3 * min(times[name]) for name in candidates)
    return (
        f"| {device} | {rule} | {hand:.2f} ms | {own:.2f} ms | {own / hand - 1:+.1%} "
        f"| {optim / hand - 1:+.1%} | {seen / hand - 1:+.1%} |"
    )


def problem(device: str):
    import torch

    torch.manual_seed(0)
    module = torch.nn.Sequential(
        torch.nn.Linear(500, 1000),
        torch.nn.ReLU(),
        torch.nn.Linear(1000, 490),
        torch.nn.ReLU(),
        torch.nn.Linear(490, 10),
    ).to(device)
    X = torch.randn(8192, 500, device=device)
    return module, torch.nn.CrossEntropyLoss(), X, torch.randint(10, (8192,), device=device)


def make_optimizer(module, rule: str):
    import torch

    name, settings = OPTIMIZERS[rule]
    return getattr(torch.optim, name)(module.parameters(), lr=1e-3, **settings)


def loop(module, loss, X, y, optimizer, batch: int, steps: int) -> float:
    import torch

    total, times, done = 0.0, [], 0
    for epoch in range(steps):
        order = torch.from_numpy(np.random.default_rng((0, epoch)).permutation(len(y))).to(y.device)
        for rows in order.split(batch):
            began = time.perf_counter()
            optimizer.zero_grad()
            value = loss(module(X[rows]), y[rows])
            value.backward()
            optimizer.step()
            total += value.item()
            times.append(time.perf_counter() - began)
            done += 1
            if done == steps:
                return float(np.median(times[steps // 4 :]))
    raise AssertionError("steps run out before epochs do")


def by_hand(device: str, rule: str, batch: int, steps: int) -> float:
    module, loss, X, y = problem(device)
    return loop(module, loss, X, y, make_optimizer(module, rule), batch, steps)


def watched(device: str, rule: str, batch: int, steps: int) -> float:
    from downslope.modules.watch import watch

    module, loss, X, y = problem(device)
    with watch(module, loss):
        return loop(module, loss, X, y, make_optimizer(module, rule), batch, steps)


def trained(device: str, chosen, rate, batch: int, steps: int, module, loss, X, y) -> float:
    from downslope.modules.training import train
    from downslope.stopping import MaxSteps

    result = train(
        module,
        loss,
        (X, y),
        rule=chosen,
        rate=rate,
        batch_size=batch,
        max_epochs=steps,
        stops=[MaxSteps(steps)],
    )
    return float(np.median(np.diff(result.trace["seconds"])[steps // 4 :]))


def ours(device: str, rule: str, batch: int, steps: int) -> float:
    return trained(device, rule, 1e-3, batch, steps, *problem(device))


def optim_in_ours(device: str, rule: str, batch: int, steps: int) -> float:
    module, *rest = problem(device)
    optimizer = make_optimizer(module, rule)
    return trained(device, optimizer, "auto", batch, steps, module, *rest)


if __name__ == "__main__":
    main()
