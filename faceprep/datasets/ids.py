"""Build face ids: stable, readable, and unique for each frame, also as file names."""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from faceprep.core.tree import is_image

_PLAIN = re.compile(r"[A-Za-z0-9.-]+(?:[_/ ][A-Za-z0-9.-]+)*")
_UNSAFE = re.compile(r"[%\x00-\x1f\x7f\\:*?\"<>|]")
_DOUBTFUL_UNDERSCORE = re.compile(r"^_+|_+$|_{2,}")
_MAX_BYTES = 200
_KEPT_BYTES = 150


def face_id(dataset: str, *segments: str) -> str:
    """Join segments to a face id.

    The file name of a crop is the id with ``__`` in place of ``/``. Ambiguous underscores and
    characters that some file systems do not allow are percent-encoded (``%5F``), so that two ids
    never share a file name. Names are normalized to Unicode NFC. Of an id longer than 200 bytes the
    beginning is kept, followed by a hash.
    """
    plain = "/".join((dataset, *segments))
    if len(plain) <= _MAX_BYTES - len(segments) and _PLAIN.fullmatch(plain):
        return plain  # the usual case
    quoted = [dataset, *map(_quote, segments)]
    joined = "/".join(quoted)
    # Each slash takes two characters in the file name.
    if len(joined.encode()) + len(quoted) <= _MAX_BYTES:
        return joined
    kept = joined.replace("/", "%2F").encode()[:_KEPT_BYTES].decode(errors="ignore")
    kept = kept.replace("%2F", "/").rstrip("%/_")
    return f"{kept}~{hashlib.sha256(joined.encode()).hexdigest()[:16]}"


def unique_ids(dataset: str, paths: Sequence[str]) -> list[str]:
    """Return face ids of files, from their paths below the root.

    The suffix is removed, unless files differ only by it. Ids that are still equal (names that
    differ in their Unicode form) are numbered.
    """
    ids = [_face_id(dataset, _stem(path)) for path in paths]
    for attempt in range(len(ids)):
        if len(set(ids)) == len(ids):
            break
        counts = Counter(ids)
        ranks: Counter[str] = Counter()
        for k, path in enumerate(paths):
            same = ids[k]
            if counts[same] > 1:
                ranks[same] += 1
                ids[k] = face_id(dataset, *path.split("/")) + f"~{ranks[same]}" * attempt
    return ids


def _face_id(dataset: str, path: str) -> str:
    plain = f"{dataset}/{path}"
    if len(plain) <= _MAX_BYTES - plain.count("/") and _PLAIN.fullmatch(plain):
        return plain  # the usual case, without dividing and joining
    return face_id(dataset, *path.split("/"))


def _stem(path: str) -> str:
    if not is_image(path):
        return path
    stem = path.rpartition(".")[0]
    only_dots = stem.endswith(("/", ".")) and not stem.rpartition("/")[2].strip(".")
    return path if only_dots else stem  # a/.jpg has no suffix


def _quote(segment: str) -> str:
    text = unicodedata.normalize("NFC", segment)
    text = _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)
    return _DOUBTFUL_UNDERSCORE.sub(lambda match: "%5F" * len(match[0]), text)
