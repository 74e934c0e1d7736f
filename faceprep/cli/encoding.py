"""Work with names in UTF-8 in any locale."""

import os
import sys


def use_utf8() -> None:
    """Start the program again in UTF-8 mode if names of files have another encoding.

    The encoding of names cannot be changed in a running program, and manifests hold UTF-8, so that
    other machines find the files.
    """
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8":
        shown = getattr(sys.stdout, "encoding", None) or "ascii"
        environment = {"PYTHONIOENCODING": shown, **os.environ, "PYTHONUTF8": "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
