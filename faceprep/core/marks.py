"""Mark the pictures that faceprep writes, and keep files of the user from being replaced.

A mark is a text of a PNG (chunk ``tEXt``) behind the header, the comment of a GIF or an MP4, the
creator in a PDF, or the metadata ``faceprep`` of a Parquet file. Readers of photographs leave
marked pictures out.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from faceprep.core.errors import Again, Shell, UsageError
from faceprep.core.image_header import read_text
from faceprep.core.movie_header import read_comment

#: Text of every PNG, and metadata of every PDF; sheets add the version to it.
MARK = {"Software": "faceprep"}
PDF_MARK = {"Creator": "faceprep"}

#: O_NONBLOCK: opening a pipe without a writer returns instead of waiting.
_HOW = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)

#: Files that only folders of results have: of a stage, a training, and the accuracy table.
_RESULTS = ("stage.json", "train.json", "accuracy.parquet")
#: Folders between a picture and its folder of results, at most: ``from-00400/images/00400``.
_DEPTH = 4

_HEAD_BYTES = 512
_FOOTER_BYTES = 1 << 20  # of a Parquet file, which holds its metadata


def is_own_file(path: str | Path) -> bool:
    """Return whether faceprep wrote a PNG, GIF, MP4, PDF or Parquet file.

    False if it cannot be read.
    """
    try:
        descriptor = os.open(path, _HOW)
    except (OSError, ValueError):
        return False
    try:
        head = os.read(descriptor, _HEAD_BYTES)
        if head[:4] == b"%PDF":
            return b"/Creator (faceprep)" in Path(path).read_bytes()
        if head[:4] == b"GIF8" or head[4:8] == b"ftyp":
            return read_comment(Path(path)).startswith(f"Software={MARK['Software']}")
        if head[:4] == b"PAR1":
            return b"faceprep" in Path(path).read_bytes()[-_FOOTER_BYTES:]
        # Quick, because it is called for a million photographs.
        return (b"faceprep" in head or b"checkpoint" in head) and is_marked(head)
    except OSError:
        return False
    finally:
        os.close(descriptor)


def is_marked(head: bytes) -> bool:
    """Return whether the first bytes of a PNG hold a mark.

    Earlier versions marked synthetic faces only, by their generator's checkpoint.
    """
    text = read_text(head)
    own = text.get("Software", "").startswith(MARK["Software"])
    return own or (text.get("synthetic") == "true" and "checkpoint" in text)


def as_comment(marks: Mapping[str, str]) -> str:
    """Return the marks of a picture as the comment of a GIF or an MP4."""
    text = "; ".join(f"{key}={value}" for key, value in {**MARK, **marks}.items())
    return text.encode("ascii", "replace").decode()


def keep_foreign(paths: Iterable[Path], flag: str | None) -> None:
    """Refuse to replace files that faceprep did not write, and to write among results.

    Parameters
    ----------
    paths
        Pictures to write; those that do not exist, are empty or marked may be written.
    flag
        Flag that names the picture, for the hint; None: the hint moves the file away.

    Raises
    ------
    UsageError
        A file exists and has no mark, or the flag names a place among the results of a workspace.
    """
    chosen = list(paths)
    for path in chosen if flag is not None else ():
        for folder in path.absolute().parents[:_DEPTH]:
            if any((folder / name).is_file() for name in _RESULTS):
                message = f"{path} is among the results in {folder}, which only their verb writes"
                raise UsageError(message, Again({str(flag): free_path(Path(path.name))}))
    for path in chosen:
        if not path.is_file() or path.stat().st_size == 0 or is_own_file(path):
            continue
        message = f"{path} exists and faceprep did not write it: it would be lost"
        if flag is None:
            raise UsageError(message, Shell(("mv", str(path), str(free_path(path)))))
        other = free_path(path if len(chosen) == 1 else path.parent / "faceprep")
        raise UsageError(message, Again({flag: other}))


def free_path(path: Path) -> Path:
    """Return a path that does not exist, with a number behind its stem if necessary."""
    free, number = path, 2
    while free.exists():
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return free
