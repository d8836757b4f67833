"""The command line: ``fastnn`` or ``python -m fastnn``."""

import errno
import sys
from collections.abc import Sequence

from fastnn._command.arguments import parser
from fastnn._command.streams import Failure, Misuse, abandon_output, note
from fastnn.exceptions import ModelFileError, TrainingDivergedError

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
        The exit status: 0 for success, 1 for data or files that are wrong, and if the reader of the
        output went away, 2 for flags that do not go together, 130 after Ctrl-C.

    Raises
    ------
    SystemExit
        With status 2 for arguments that are not understood, 0 after ``--help`` and ``--version``.
    """
    given = parser().parse_args(argv)
    verb = given.command
    try:
        given.run(given)
    except KeyboardInterrupt:
        if sys.stderr is not None:
            print("\nInterrupted.", file=sys.stderr)
        return INTERRUPTED
    except Misuse as error:
        note(verb, f"{error} (see fastnn {verb} --help)")
        return 2
    except (Failure, ModelFileError, TrainingDivergedError) as error:
        note(verb, str(error))
        return 1
    except MemoryError as error:
        note(verb, str(error) or "there is not enough memory")
        return 1
    except OSError as error:
        if error.filename is not None:
            note(verb, f"{error.filename!r}: {error.strerror}")
            return 1
        # The reader of the output went away, which Windows may call EINVAL.
        if error.errno not in (errno.EPIPE, errno.EINVAL):
            note(verb, f"the standard output: {error.strerror or error}")
        abandon_output()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
