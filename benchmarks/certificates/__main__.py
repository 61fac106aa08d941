"""Bounds on nasty problems, held against another method in extended precision.

    python -m benchmarks.certificates [--problems 2000] [--first 0]

Prints every bound that is false, every fit that did not converge, every error, and how many.
"""

import argparse
import time
import traceback

from benchmarks.certificates.draw import draw
from benchmarks.certificates.hold import Held, hold

NEAR = 1e-6
"""Columns that differ by less are told apart in the count."""


def told(held: Held) -> str:
    """A line about a problem."""
    above, seconds = held.value - held.lower, sum(held.seconds)
    return (
        f"{held.case}\n    value {held.value:.9g}, bound {held.bound:.1e}, lower by {above:.3e} "
        f"(rounding {held.rounding:.1e}, misquoted {held.misquoted:.1e}), {held.reason}, "
        f"{seconds:.2f} s"
    )


def main() -> None:
    """Draw, solve, walk on, count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--first", type=int, default=0, help="number of the first problem")
    options = parser.parse_args()
    began, false, near, open_, errors, slow = time.process_time(), 0, 0, 0, 0, 0.0
    for seed in range(options.first, options.first + options.problems):
        try:
            held = hold(draw(seed))
        except Exception:
            errors += 1
            print(f"ERROR {draw(seed)}\n{traceback.format_exc()}", flush=True)
            continue
        slow = max(slow, held.seconds[0])
        if held.false:
            false += 1
            near += held.case.near < NEAR
            print(f"FALSE {told(held)}", flush=True)
        elif not held.converged:
            print(f"open {told(held)}", flush=True)
        open_ += not held.converged
    print(
        f"{options.problems} problems: {false} false ({near} of them with columns that differ by "
        f"less than {NEAR:.0e}), {open_} not converged, {errors} errors; "
        f"{time.process_time() - began:.0f} s, the slowest fit {slow:.1f} s"
    )


if __name__ == "__main__":
    main()
