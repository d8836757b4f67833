"""The command line: ``fastnn`` or ``python -m fastnn``."""

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from fastnn import __version__, _demo, kernel_level

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        The arguments after the program's name; those of the process if None.

    Returns
    -------
    int
        The exit status: 0 for success, 1 if the reader of the output went away, 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        With status 2 for arguments that are not understood, 0 after ``--help`` and ``--version``.
    """
    parser = argparse.ArgumentParser(
        prog="fastnn", description="Fast training of small neural networks on the CPU."
    )
    parser.add_argument(
        "--version", action="version", version=f"fastnn {__version__} ({kernel_level()} kernels)"
    )
    commands = parser.add_subparsers(title="commands", dest="command")
    commands.add_parser("demo", help="learn to read handwritten digits, in about a second")
    arguments = parser.parse_args(argv)

    try:
        if arguments.command is None:
            print(parser.format_help(), end="", flush=True)
        else:
            _demo.run()
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        # The reader of the output went away, which Windows may call EINVAL.
        if error.errno not in (errno.EPIPE, errno.EINVAL):
            raise
        # Python flushes the standard output once more when it exits; give it something to flush to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
