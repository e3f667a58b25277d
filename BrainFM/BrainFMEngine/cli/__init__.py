"""The command `brainfm`: the only place that knows every other package. Heavy imports wait inside the commands."""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0 done; 1 an error nobody foresaw; 2 usage or bad input; 3 a file cannot be read or written; 4 a model is refused;
    5 device or memory; 130 cancelled.

    Args:
        argv: the arguments after the program's name; those of the process if None.
    """
    from BrainFMEngine.cli.app import app
    from BrainFMEngine.cli.interrupt import Interrupted, interruptible
    from BrainFMEngine.cli.reporting import explain, prepare_streams
    from BrainFMEngine.errors import CancelledError

    prepare_streams()
    try:
        with interruptible():
            app(args=None if argv is None else list(argv), prog_name="brainfm")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except (Interrupted, KeyboardInterrupt):
        return explain(CancelledError())
    except Exception as error:  # the last resort: a sentence and a log file instead of a traceback
        return explain(error)
    return 0
