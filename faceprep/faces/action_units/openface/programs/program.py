"""Find the programs of OpenFace and build their command lines.

``aus.openface_bin`` is one of

* the folder of the programs, or a checkout or build folder with the programs in ``bin``;
* the path of one of the programs, with the other in the same folder;
* a command line. ``{tool}`` is replaced by the name of the program, ``{folder}`` by the folder of
  its images and output (which has the same path inside a container). Without ``{tool}`` the name
  is appended.

If it is not set, the programs are searched on the ``PATH``.
"""

import os
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from faceprep.core.errors import MissingToolError
from faceprep.core.files import digest, file_sha256

STILLS, SEQUENCES = TOOLS = ("FaceLandmarkImg", "FeatureExtraction")

_PLACES = ("", "bin", "build/bin", "exe", "x64/Release")  # relative to the configured folder
_MODEL_FOLDERS = ("model", "AU_predictors")  # in the folder of the programs


@dataclass(frozen=True, slots=True)
class Program:
    """Describe how to start the programs of OpenFace."""

    files: dict[str, Path]  # name of a program → file; empty with a command line
    words: tuple[str, ...] = ()  # command line with ``{tool}`` and ``{folder}``; empty with files

    def missing(self, tool: str) -> str | None:
        """Return why a program cannot be started; ``None`` if it can."""
        if self.words:
            first = self.words[0]
            return (
                None if shutil.which(first) else f"there is no program {first} (aus.openface_bin)"
            )
        if tool not in self.files:
            there = next(iter(self.files.values()), None)
            return f"there is no {tool} beside {there}" if there else f"there is no {tool}"
        if not os.access(self.files[tool], os.X_OK):
            return f"{self.files[tool]} may not be run (chmod +x it)"
        return None

    def incomplete(self, tool: str, flags: Sequence[str]) -> str | None:
        """Return why its models will not load: the large ones are a separate download.

        The result is ``None`` if they exist, are elsewhere, or the flags name others.
        """
        if tool not in self.files or "-mloc" in flags:
            return None
        folder = self.files[tool].parent / "model"
        try:
            lines = (folder / "cen_general.txt").read_text(errors="replace").splitlines()
        except OSError:
            return None
        words = [line.split() for line in lines]
        named = [pair[1] for pair in words if len(pair) == 2 and pair[0] == "PatchesCEN"]
        if all((folder / name).is_file() for name in named):
            return None
        return (
            f"no cen_patches_*.dat in {folder / 'patch_experts'} (OpenFace's download_models.sh"
            " fetches them; --set 'aus.openface_flags=-mloc model/main_clnf_general.txt' does"
            " without)"
        )

    def command(self, tool: str, folder: Path, arguments: Sequence[str]) -> list[str]:
        """Return the command line that starts a program."""
        if not self.words:
            return [str(self.files[tool]), *arguments]
        filled = [w.replace("{tool}", tool).replace("{folder}", str(folder)) for w in self.words]
        return [*filled, *arguments]

    def fingerprint(self, tools: Sequence[str]) -> dict[str, Any]:
        """Identify a build: hashes of the programs and of the names of their models.

        A command line is identified by its words, because the program that it starts is unknown.
        """
        if self.words:
            return {"command": shlex.join(self.words)}
        found: dict[str, Any] = {tool: _file_digest(self.files[tool]) for tool in tools}
        return found | {"models": _models_digest(self.files[tools[0]].parent)}


def find_program(setting: str | None) -> Program:
    """Find the user's build, given ``aus.openface_bin``.

    Raises
    ------
    MissingToolError
        If there is none at the configured place or on the ``PATH``.
    """
    if setting is None or not setting.strip():
        paths = {tool: shutil.which(tool) for tool in TOOLS}
        files = {tool: Path(path).resolve() for tool, path in paths.items() if path}
        if STILLS not in files:
            raise MissingToolError(f"no {STILLS} on the PATH; set aus.openface_bin")
        return Program(files)
    path = Path(setting).expanduser()
    if path.is_dir():
        for place in _PLACES:
            if files := _files(path / place):
                return Program(files)
        raise MissingToolError(f"no {STILLS} in {path} (aus.openface_bin)")
    if path.is_file() and path.stem in TOOLS:
        return Program(_files(path.parent))
    return _command_line(setting, path)


def _files(folder: Path) -> dict[str, Path]:
    found = {}
    for tool in TOOLS:
        for name in (tool, f"{tool}.exe"):
            if (folder / name).is_file():
                # The models are beside the real file, not beside a link to it.
                found[tool] = (folder / name).resolve()
                break
    return found


def _command_line(setting: str, path: Path) -> Program:
    try:
        words = tuple(shlex.split(setting))
    except ValueError as error:
        raise MissingToolError(f"aus.openface_bin is no command line: {error}") from None
    if path.is_file():  # a script of the user; its path may contain spaces
        words = (str(path.absolute()),)
        if not os.access(path, os.X_OK):
            raise MissingToolError(f"{path} may not be run (chmod +x it)")
    if not words or (len(words) == 1 and not shutil.which(words[0])):
        raise MissingToolError(f"there is no {setting} (aus.openface_bin)")
    if os.sep in words[0]:  # it runs in another working directory
        words = (str(Path(words[0]).expanduser().absolute()), *words[1:])
    if not any("{tool}" in word for word in words):
        words = (*words, "{tool}")
    return Program({}, words)


def _file_digest(path: Path) -> str:
    state = path.stat()
    return _digest_once(path, state.st_size, state.st_mtime_ns)


@cache
def _digest_once(path: Path, size: int, changed: int) -> str:
    return f"{file_sha256(path)[:16]}, {size} bytes"


@cache
def _models_digest(folder: Path) -> str | None:
    """Return the digest of names and sizes of the models; ``None`` if they are elsewhere."""
    found = []
    for name in _MODEL_FOLDERS:
        for place, _, files in os.walk(folder / name, followlinks=True):
            for file in files:
                path = Path(place, file)
                found.append((path.relative_to(folder).as_posix(), path.stat().st_size))
    return digest(sorted(found)) if found else None
