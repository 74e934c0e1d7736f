"""Find the images that a table names."""

import os
import posixpath
import re
import stat
from collections import Counter
from pathlib import Path

#: Result for an image that is not below the root; also the reason that is reported.
OUTSIDE = "image outside the dataset's folder"

_IMAGE_FOLDER = "images"
_PLAIN = re.compile(r"[^/.:\0\\][^/:\0\\]+")


class Locator:
    """Find images of a table, relative to the table, the root, or ``images`` in either.

    Attributes
    ----------
    bases
        Folders in which images are searched.
    bases_used
        Folder → number of images found in it.
    """

    def __init__(self, root: Path, beside: Path) -> None:
        self._root = os.path.abspath(root)  # noqa: PTH100 - links are kept as the user wrote them
        self._real_root = os.path.realpath(root)
        beside = Path(os.path.abspath(beside))  # noqa: PTH100
        bases = (beside, Path(self._root), beside / _IMAGE_FOLDER, Path(self._root, _IMAGE_FOLDER))
        self.bases = list(dict.fromkeys(map(str, bases)))
        self._prefix = {
            base: base[len(self._root) + 1 :] + "/" if base != self._root else ""
            for base in self.bases
            if base == self._root or base.startswith(self._root.rstrip("/") + "/")
        }
        self.bases_used: Counter[str] = Counter()
        self._try = list(self.bases)

    def __call__(self, name: str) -> str | None:
        """Return the path below the root, ``None`` without a file, or `OUTSIDE`."""
        for spelled in (name, name.replace("\\", "/")) if "\\" in name else (name,):
            for base in self._try:
                full = spelled if spelled.startswith("/") else f"{base}/{spelled}"
                try:
                    status = os.stat(full)  # noqa: PTH116 - once a row
                except (OSError, ValueError):
                    continue
                if not stat.S_ISREG(status.st_mode):
                    continue
                self.bases_used[base] += 1
                if base != self._try[0]:
                    self._try = [base, *(other for other in self.bases if other != base)]
                return self.below_root(base, spelled) or OUTSIDE
        return None

    @property
    def usual(self) -> str:
        """Folder in which most images were found, the first one without any."""
        return next((base for base, _ in self.bases_used.most_common(1)), self.bases[0])

    def bases_below_root(self) -> list[str]:
        """Return the folders below the root, relative to it, the usual one first."""
        below = [base for base in self.bases if base in self._prefix]
        below.sort(key=lambda base: -self.bases_used[base])
        return [self._prefix[base] for base in below]

    def below_root(self, base: str, name: str) -> str | None:
        """Return the path of a name below the root, without ``..``, or ``None`` outside it."""
        if base in self._prefix and _PLAIN.fullmatch(name):
            return self._prefix[base] + name  # the usual case, ten times faster
        full = posixpath.normpath(posixpath.join(base, name))
        for root in (self._root, self._real_root):
            if full.startswith(root.rstrip("/") + "/"):
                path = full[len(root.rstrip("/")) + 1 :]
                return None if path[1:2] == ":" or "\0" in path else path
        return None
