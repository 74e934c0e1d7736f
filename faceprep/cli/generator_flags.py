"""Flags and output shared by the verbs that use a trained generator."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from faceprep.cli.effect import refuse_unused
from faceprep.cli.exit_codes import DONE, SOME_ROWS_FAILED, complain, print_result
from faceprep.core.vocabulary import DEFAULT_GENERATOR, EXPRESSIONS

if TYPE_CHECKING:
    from faceprep.core.progress import Progress
    from faceprep.inference.generator import LoadedGenerator
    from faceprep.inference.inputs import InputFaces
    from faceprep.report.sheets.inference import Written
    from faceprep.workspace import Workspace

#: Expressions, for a help page.
NAMES = ", ".join(EXPRESSIONS)

WorkspaceFlag = Annotated[
    Path | None,
    typer.Option(
        "--workspace", metavar="DIR", help="Workspace with the generator; by default the only one."
    ),
]
GeneratorFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|NAME",
        help=f"File, or name of a generator in the workspace; {DEFAULT_GENERATOR} if not given.",
    ),
]
Detector = Annotated[
    str | None,
    typer.Option(
        metavar="mtcnn|dlib", help="Finds the faces of photographs; by default as in the workspace."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="PNG|DIR", help="PNG to write; a folder for several pictures."
    ),
]
Faces = Annotated[
    list[str] | None,
    typer.Argument(metavar="PHOTO", help="Photographs, or face_ids of the workspace."),
]


def note_unfinished(workspace: "Workspace | None", file: Path, quiet: bool) -> bool:
    """Note that the training of a generator is not finished; return whether that was printed."""
    from faceprep.workspace.trainings import note_of_unfinished

    note = None if quiet or workspace is None else note_of_unfinished(workspace.root, file)
    if note is not None:
        complain(*note)
    return note is not None


def read_faces(
    words: Sequence[str],
    generator: "LoadedGenerator",
    progress: "Progress",
    before: "InputFaces | None" = None,
) -> "InputFaces":
    """Read and align the named faces, and print remarks that were not made on those `before`."""
    from faceprep.inference.inputs import read_inputs

    inputs = read_inputs(words, generator)
    known = before.notes() if before is not None else []
    for note in inputs.notes():
        if note not in known:
            progress.say(note)
    return inputs


def refuse_idle_detector(*inputs: "InputFaces") -> None:
    """Refuse a typed detector if no photograph is among the faces, with a UsageError."""
    faces = [face for one in inputs for face in one.faces]
    if faces and all(face.face_id is not None for face in faces):
        refuse_unused("faces of the workspace are aligned already", "detector")


def print_written(written: "Written", as_json: bool, quiet: bool = False) -> None:
    """Print the paths of the pictures, or their data as JSON."""
    if as_json:
        print_result([], written.data, as_json=True)
    elif not quiet:
        print("\n".join([*written.lines, *(str(path) for path in written.paths)]))


def exit_code(*inputs: "InputFaces") -> int:
    """Print why faces could not be read, and return the exit code of the verb."""
    failures = [each for one in inputs for each in one.failures.items()]
    for source, reason in failures:
        complain(f"error: {source}: {reason}", None)
    return SOME_ROWS_FAILED if failures else DONE
