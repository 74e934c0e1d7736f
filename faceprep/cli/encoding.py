"""Work with names in UTF-8 in any locale, and print what the terminal can show."""

import os
import sys


def use_utf8() -> None:
    """Start the program again in UTF-8 mode if names of files have another encoding.

    The encoding of names cannot be changed in a running program, and manifests hold UTF-8, so that
    other machines find the files. What the terminal cannot show is replaced.
    """
    if os.name == "posix" and sys.getfilesystemencoding() != "utf-8":
        shown = getattr(sys.stdout, "encoding", None) or "ascii"
        environment = {"PYTHONIOENCODING": shown, **os.environ, "PYTHONUTF8": "1"}
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:  # None where it is closed
        reconfigure(errors="backslashreplace" if shows_utf8() else "replace")


def shows_utf8() -> bool:
    """Return whether results can be printed in UTF-8."""
    name = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    return name.replace("_", "-") in ("utf-8", "utf8")
