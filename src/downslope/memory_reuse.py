"""Keep freed memory in the process, so that a walk's arrays are not asked from the system anew."""

import numpy as np

LARGEST = (1 << 25) - (1 << 14)
"""Just under 32 MiB, the largest block that moves glibc's threshold."""


def keep_freed_memory() -> None:
    """Let the allocator keep up to 64 MiB of freed memory for the next array.

    A step makes and drops some dozen arrays as long as the weights. From about 128 KiB each, glibc
    takes such blocks from the system and gives them back at once, and the system clears every page
    again: for 80,000 weights that doubled the time of a step. glibc raises its own threshold when a
    large block is freed (``mallopt(3)``, M_MMAP_THRESHOLD), so freeing one is all it takes.
    Other C libraries are not affected.
    """
    np.empty(LARGEST, np.uint8)
