"""The command line: parse flags, call one function, print its result.

Results go to stdout, progress and messages to stderr. Exit codes: 0 done, 1 failed, 2 usage or
configuration, 3 done but some rows failed, 4 accuracy dropped below a baseline, 5 a needed tool or
weight file is missing, 130 interrupted (SIGINT), 143 stopped by SIGTERM or SIGUSR1, 129 by SIGHUP;
after these three the same command continues.

Each verb is a function in a module of this package, with imports at the call for a fast start.
"""

import sys

# Each module adds its verbs to `app` when it is imported; this is their order in the help.
# isort: off
from faceprep.cli import (  # noqa: F401
    stages,
    train,
    augment,
    classify,
    check,
    edit,
    reenact,
    retrieve,
    demo,
    show,
    doctor,
    config,
    evaluate,
)
from faceprep.cli.encoding import use_utf8
from faceprep.cli.exit_codes import FAILED, complain
from faceprep.cli.root import app
from faceprep.cli.streams import OutputError, open_streams
from faceprep.core.threads import wait_without_spinning

# isort: on

__all__ = ["app", "main"]

wait_without_spinning()


def main() -> None:
    """Entry point of the console script."""
    open_streams()
    use_utf8()
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OutputError as error:  # of --help and --version
        complain(f"error: {error.message}", None)
        sys.exit(FAILED)
