"""Match CSV files with images by their paths.

Two paths are compared from their ends. A CSV file belongs to an image (or a folder) if they agree
in more of the last parts than any other CSV file, and no other image on disk agrees with the CSV
file as well. ``out/P001/Anger/017.csv`` belongs to ``VL/Strong/P001/Anger/017.jpeg``; a single
``017.csv`` belongs to no image if two images are called 017.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

#: Parts of a path, the last one without its suffix.
Parts = tuple[str, ...]

#: Separators in file names that join several parts of a path (``P001_Anger.csv``).
_JOINTS = ("_", "__", "-")
_WORDS = re.compile(r"[_-]+")


@dataclass(frozen=True, slots=True)
class Match:
    """Hold the name that belongs to a target, or why none does; neither if none is similar."""

    name: Parts | None = None
    reason: str | None = None


@dataclass
class PathMatcher:
    """Find the name that belongs to a path."""

    names: Collection[Parts]
    _by_last: dict[str, list[Parts]] = field(init=False)
    _root: Parts = field(init=False)

    def __post_init__(self) -> None:
        self._by_last = {}
        for name in self.names:
            self._by_last.setdefault(name[-1], []).append(name)
        self._root = _common_folders(self.names)

    def exact(self, target: Parts) -> Match:
        """Find the name that contains all parts of a target, as folders or joined in one word."""
        found = [
            name for name in self._candidates(target) if agreement(name, target) == len(target)
        ]
        return Match(found[0]) if len(found) == 1 else _ambiguous(found)

    def find(
        self,
        target: Parts,
        identity: Collection[str],
        rivals: Callable[[str], Iterable[Parts]],
        folders: Callable[[], Collection[str]],
    ) -> Match:
        """Find the name that belongs to a target, the path of a picture or folder.

        Parameters
        ----------
        identity
            Subject and sequence of the target. A name with folders of its own that shares none of
            these parts with the target belongs to something else.
        rivals
            Last part → all targets on disk that end in it, including this one. A path occurs twice
            if two files differ only in their suffixes.
        folders
            Names of all folders on disk.
        """
        candidates = self._candidates(target)
        if not candidates:
            return Match()
        best = max(self._score(name, target) for name in candidates)
        found = [name for name in candidates if self._score(name, target) == best]
        if len(found) > 1:
            return _ambiguous(found)
        match = self._unless_rivals(found[0], target, rivals(target[-1]))
        if match.name is None or self._fits(match.name, target, best[0], identity, folders):
            return match
        return Match(
            reason=f"{'/'.join(match.name)}.csv is called alike, but lies in other folders"
        )

    def _score(self, name: Parts, target: Parts) -> tuple[int, int]:
        """Return the similarity: parts that agree, then the match of complete paths."""
        root = len(name) - len(target)
        mirrored = root >= 0 and name == self._root[:root] + target
        return agreement(name, target), len(self._root) + 1 - root if mirrored else 0

    def _candidates(self, target: Parts) -> list[Parts]:
        """Return the names whose last part consists of the last parts of the target."""
        words = dict.fromkeys(
            joint.join(target[-count:]) for count in range(1, len(target) + 1) for joint in _JOINTS
        )
        return [name for word in words for name in self._by_last.get(word, ())]

    def _fits(
        self,
        name: Parts,
        target: Parts,
        agreed: int,
        identity: Collection[str],
        folders: Callable[[], Collection[str]],
    ) -> bool:
        """Return whether a name identifies its target and does not contradict it."""
        used = 1 + _tail(name[:-1], target[: len(target) - _joined(name[-1], target)])
        if used == len(name) or agreed == len(target):
            return True
        said = {*target[-agreed:], *_WORDS.split(target[-1])}
        needed = [part for part in identity if part in target]
        if needed:
            return all(part in said for part in needed)
        # out/0/a.csv matches, unless 0 is a folder of the dataset: then it belongs to 0/a.
        return not set(name[len(self._root) : len(name) - used]).intersection(folders())

    def _unless_rivals(self, name: Parts, target: Parts, rivals: Iterable[Parts]) -> Match:
        """Return the name, unless it matches another target as well or better."""
        score, equal = self._score(name, target), []
        for other in rivals:
            theirs = self._score(name, other)
            if theirs > score:
                return Match()
            if theirs == score:  # possibly the target itself with another suffix
                equal.append(other)
        if target not in equal:
            equal.append(target)
        if len(equal) > 1:
            return Match(reason=f"{'/'.join(name)}.csv fits {len(equal)} places: {_list(equal)}")
        return Match(name)


def agreement(name: Parts, target: Parts) -> int:
    """Return how many of the last parts of a target a name contains, as folders or joined."""
    joined = _joined(name[-1], target)
    return joined + _tail(name[:-1], target[: len(target) - joined]) if joined else 0


def _joined(word: str, target: Parts) -> int:
    """Return how many of the last parts of a target are joined in this word."""
    for count in range(len(target), 0, -1):
        if any(joint.join(target[-count:]) == word for joint in _JOINTS):
            return count
    return 0


def _tail(one: Parts, other: Parts) -> int:
    """Return the number of equal parts at the ends of two paths."""
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _common_folders(names: Iterable[Parts]) -> Parts:
    """Return the folders with which all names begin."""
    common: Parts | None = None
    for name in names:
        folders = name[:-1]
        if common is None:
            common = folders
        same = [mine == theirs for mine, theirs in zip(common, folders, strict=False)]
        common = common[: same.index(False) if False in same else len(same)]
        if not common:
            break
    return common or ()


def _ambiguous(found: list[Parts]) -> Match:
    if not found:
        return Match()
    return Match(reason=f"{len(found)} CSV files fit it: {_list(found)}")


def _list(names: list[Parts]) -> str:
    shown = ", ".join("/".join(name) for name in sorted(names)[:2])
    return f"{shown} …" if len(names) > 2 else shown
