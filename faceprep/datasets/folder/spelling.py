"""Find images that a table names in another spelling than the disk does."""

import operator
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path

from faceprep.core.tree import is_image, walk

#: What differs between the table and the disk → examples and counts are noted by it.
CASE, ENDING, BEGINNING = (
    "upper and lower case or accents",
    "the ending",
    "the folders at the beginning",
)

_ABSOLUTE = re.compile(r"/|[A-Za-z]:|\\\\")
_SAMPLE = 1000
# RAF-DB lists `train_00001.jpg` for its file `train_00001_aligned.jpg`.
_ADDED = ("_aligned",)


class Respeller:
    """Find images by their names, if case, Unicode form, ending or leading folders differ.

    A name is found only if exactly one file fits that no other row names.

    Parameters
    ----------
    root
        Folder of the images.
    bases
        Folders, below the root, to which names are relative; the usual one first.
    taken
        Paths below the root that other rows name.
    """

    def __init__(self, root: Path, bases: Sequence[str], taken: Iterable[str]) -> None:
        self._bases = [_parts(base) for base in bases]
        self._by_name: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
        self._by_stem: dict[str, list[tuple[list[str], str]]] = defaultdict(list)
        skip = set(taken)
        for folder in walk(root):
            parts = _parts(folder.path)
            for name in folder.files:
                path = folder.join(name)
                if path not in skip and is_image(name):
                    folded = fold_name(name)
                    self._by_name[folded].append((parts, path))
                    self._by_stem[_stem(folded)].append((parts, path))

    def find(self, names: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Return name → path below the root, and what differs, of the names that are found."""
        found: dict[str, tuple[str, str]] = {}
        users: Counter[str] = Counter()
        known = [
            (name, parts, _start(name, parts))
            for name in dict.fromkeys(names)
            if (parts := _parts(name)) and _stem(parts[-1]) in self._by_stem
        ]
        cuts = self._cuts(known)
        for name, parts, start in known:
            cut = cuts.get(start, 0)
            result = self._one(parts[cut:], cut > 0 or start.startswith("/"))
            if result is not None:
                found[name] = result
                users[result[0]] += 1
        return {name: result for name, result in found.items() if users[result[0]] == 1}

    def _one(self, parts: list[str], shortened: bool) -> tuple[str, str] | None:
        if not parts:
            return None
        *folders, name = parts
        for index, key in ((self._by_name, name), (self._by_stem, _stem(name))):
            candidates = index.get(key, [])
            for base in self._bases:
                there = [path for place, path in candidates if place == base + folders]
                if len(there) == 1:
                    kind = BEGINNING if shortened else CASE
                    return there[0], kind if index is self._by_name else ENDING
            if shortened and not folders:
                continue  # a name alone may be that of another person's image
            below = [path for place, path in candidates if _ends(place, folders)]
            if len(below) == 1:
                return below[0], BEGINNING if index is self._by_name else ENDING
        return None

    def _cuts(self, names: Sequence[tuple[str, list[str], str]]) -> dict[str, int]:
        """Return the number of leading folders to remove from names, by their first folder.

        Relative names are shortened only if all of them begin with the same folder.
        """
        groups: dict[str, list[list[str]]] = defaultdict(list)
        for _, parts, start in names:
            groups[start].append(parts)
        relative = [start for start in groups if not start.startswith("/")]
        return {
            start: self._cut(members)
            for start, members in groups.items()
            if start and (start.startswith("/") or len(relative) == 1)
        }

    def _cut(self, names: Sequence[list[str]]) -> int:
        """Return how many leading folders absolute names have more than the disk, the same for all.

        The fewest that let the most names be found.
        """
        sample = names[:: max(len(names) // _SAMPLE, 1)]
        first, last = min(sample)[:-1], max(sample)[:-1]
        shared = sum(takewhile(bool, map(operator.eq, first, last)))
        hits = [
            sum(self._one(parts[cut:], True) is not None for parts in sample)
            for cut in range(shared + 1)
        ]
        return hits.index(max(hits))


def fold_name(name: str) -> str:
    """Return a name in lower case and one Unicode form."""
    return name if name.isascii() and name.islower() else _folded(name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _parts(path: str) -> list[str]:
    """Return the folded folders and the name of a path, in any system's notation."""
    names = (path[2:] if path[1:2] == ":" else path).replace("\\", "/").split("/")
    return [fold_name(name) for name in names if name not in ("", ".")]


def _stem(name: str) -> str:
    stem = name.rpartition(".")[0] if is_image(name) else name
    return next((stem.removesuffix(end) for end in _ADDED if stem.endswith(end)), stem)


def _start(name: str, parts: list[str]) -> str:
    """Return the first folder of a name, with a slash before it if the name is absolute."""
    slash = "/" if _ABSOLUTE.match(name) else ""
    return slash + parts[0] if len(parts) > 1 else slash


def _ends(place: list[str], folders: list[str]) -> bool:
    return not folders or place[-len(folders) :] == folders
