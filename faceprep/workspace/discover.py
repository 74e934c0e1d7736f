"""Find workspaces, their datasets and generators, or suggest the nearest one."""

import difflib
import os
from pathlib import Path
from typing import Any

from faceprep.config import STAGES
from faceprep.core.errors import Again, Hint, Remedy, UsageError
from faceprep.core.vocabulary import DEFAULT_GENERATOR, nearest
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.workspace import Workspace

#: Default parent folder of workspaces.
WORKSPACES = Path("manifests")


def workspace_of(
    path: Path | None = None, flag: str = "workspace", generator: bool = False
) -> Path:
    """Return the workspace that contains a path: itself, its parent or its grandparent.

    Parameters
    ----------
    path
        A workspace, a folder of a stage or a manifest; None for the only workspace below
        ``manifests/``.
    flag
        Flag of the command line that names the workspace, for the hint of the error.
    generator
        Suggest only workspaces with a trained generator.

    Raises
    ------
    UsageError
        There is none; the message names the nearest one.
    """
    path = only_workspace(flag, generator) if path is None else path
    for folder in (path, path.parent, path.parent.parent):
        if is_workspace(folder):
            return folder
    raise no_workspace(path, flag, generator)


def is_workspace(path: Path) -> bool:
    """Return whether a folder contains the output of at least one stage."""
    workspace = Workspace(path)
    return any((path / stage / "stage.json").is_file() for stage in STAGES) or any(
        workspace.shards(stage) for stage in STAGES
    )


def find_workspaces(folder: Path, depth: int = 2) -> list[Path]:
    """Return the workspaces in a folder and in the folders below it, by name."""
    if is_workspace(folder):
        return [folder]
    if depth == 0:
        return []
    found: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            below = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
    except OSError:
        return []
    for name in below:
        found += find_workspaces(Path(name), depth - 1)
    return found


def only_workspace(flag: str = "workspace", generator: bool = False) -> Path:
    """Return the only workspace below ``manifests/``; parameters as for `workspace_of`.

    Raises
    ------
    UsageError
        There is none, or more than one.
    """
    found = find_workspaces(WORKSPACES)
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"no workspace below {WORKSPACES}/", _first_command(generator))
    names = ", ".join(str(path) for path in found)
    fit = _with_generator(found, generator)
    raise UsageError(f"which workspace? {names}", Again({flag: (fit or found)[0]}))


def no_workspace(path: Path, flag: str = "workspace", generator: bool = False) -> UsageError:
    """Return the error for a path outside workspaces; parameters as for `workspace_of`.

    It suggests a workspace that contains the path, is below it or below ``manifests/``, or has a
    similar name; other neighbours of the path may belong to another user.
    """
    near = [parent for parent in path.parents if is_workspace(parent)]
    near += find_workspaces(path) if path.is_dir() else []
    near += _similar(path, find_workspaces(path.parent, depth=1))
    others = find_workspaces(WORKSPACES)
    near = _with_generator([*near, *_similar(path, others, cutoff=0.4), *others], generator)
    what = (
        f"{path} is neither a workspace nor a stage of one"
        if path.exists()
        else f"{path} does not exist"
    )
    kind = "workspace with a trained generator" if generator else "workspace"
    if not near:
        return UsageError(f"{what}; no {kind} found", _first_command(generator))
    names = ", ".join(dict.fromkeys(str(other) for other in near[:5]))
    return UsageError(f"{what}; found: {names}", Again({flag: near[0]}))


def dataset_root(workspace: Workspace) -> Path | None:
    """Return the dataset folder recorded in the workspace; None if it is missing."""
    places: list[Any] = []
    for stage in ("select", "align"):
        info = workspace.info(stage)
        places += [info.get("root"), ((info.get("config") or {}).get("select") or {}).get("root")]
    places.append(workspace.root / "dataset")
    folders = (Path(place).expanduser() for place in places if place)
    return next((folder for folder in folders if folder.is_dir()), None)


def dataset_source(workspace: Workspace) -> Path | None:
    """Return the tables from which the images were extracted, or else the dataset folder."""
    source = workspace.info("select").get("source")
    return Path(source) if source else dataset_root(workspace)


def trained_file(workspace: Path, name: str = DEFAULT_GENERATOR) -> Path:
    """Return the file of a workspace's trained generator.

    Raises
    ------
    UsageError
        It does not exist.
    """
    path = generator_file(workspace, name)
    if path.is_file():
        return path
    if not is_workspace(workspace):
        workspace_of(workspace, generator=True)
    raise UsageError(
        f"{workspace} has no trained {name}",
        Remedy("train", workspace, {"generator": name}, resume=True),
    )


def file_for_use(given: Path | None, workspace: Path | None) -> Path:
    """Return the given file of a generator, by default that of the workspace.

    Parameters
    ----------
    given
        File, or the name of one of the workspace's generators.

    Raises
    ------
    UsageError
        It does not exist.
    """
    file = given or generator_file(workspace or Path())
    if file.is_file():
        return file
    if workspace is not None and given is not None and given.name == str(given):
        named = generator_file(workspace, given.name)
        if named.is_file():
            return named
    what = f"there is no generator {file}"
    if given is None:
        raise UsageError(what, Remedy("train", workspace, resume=True))
    if generator_file(given).is_file():
        message = f"{given} is a workspace, not a generator's file"
        raise UsageError(message, Again({"generator": None, "workspace": given}))
    beside = nearest(given.name, sorted(path.name for path in given.parent.glob("*.safetensors")))
    if beside is None:
        hint: Hint = "name a file that a training wrote, or the workspace with --workspace"
    else:
        hint = Again({"generator": given.with_name(beside)})
    raise UsageError(what, hint)


def _similar(path: Path, others: list[Path], cutoff: float = 0.6) -> list[Path]:
    """Return the paths with a name similar to that of a path."""
    close = difflib.get_close_matches(path.name, [other.name for other in others], 1, cutoff)
    return [other for other in others if other.name in close]


def _with_generator(found: list[Path], needed: bool) -> list[Path]:
    """Return the workspaces with a trained generator, or all if none is needed."""
    return [path for path in found if generator_file(path).is_file()] if needed else found


def _first_command(generator: bool) -> Remedy:
    return Remedy("train" if generator else "run", note="the demo dataset")
