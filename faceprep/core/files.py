"""Pictures that a reader sees whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from faceprep.core.errors import FaceprepError


@contextlib.contextmanager
def written_whole(out: Path, hint: str | None = None) -> Iterator[Path]:
    """Give a path beside `out` to write to; it takes its place when the block ends well.

    Raises
    ------
    FaceprepError
        When it cannot be written; `hint` is what to type then.
    """
    aside = out.with_name(f"{out.name}.{os.getpid()}.tmp")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        aside.replace(out)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise FaceprepError(f"cannot write {out}: {error.strerror or error}", hint) from error
