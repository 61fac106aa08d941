"""``python -m downslope``: the command line, which takes a moment to load."""

import os
import sys


def main() -> None:
    """Run the command line; a Ctrl-C while it is still being loaded is a sentence too."""
    try:
        from downslope.cli import main as command_line

        command_line()
    except KeyboardInterrupt:
        print("downslope: Interrupted; nothing was saved.", file=sys.stderr, flush=True)
        os._exit(130)


if __name__ == "__main__":
    main()
