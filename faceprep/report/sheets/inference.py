"""Pictures and sheets of ``edit``, ``transfer``, ``new-faces`` and ``retrieve``; their paths."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from faceprep.core.errors import Again, Hint, UsageError
from faceprep.core.marks import free_path, keep_foreign
from faceprep.generators.targets import NEUTRAL
from faceprep.inference.action_units import as_dict
from faceprep.inference.edit import EditGrid, EditRequest, Edits, NewFaces
from faceprep.inference.generator import LoadedGenerator
from faceprep.inference.inputs import InputFaces
from faceprep.inference.retrieve import Retrieved, workspace_of_gallery
from faceprep.inference.transfer import Transfers
from faceprep.report.sheets.grid import (
    Line,
    check_png,
    grid,
    header,
    width_for,
    write_marked,
    write_sheet,
)


@dataclass(frozen=True)
class Written:
    """Pictures that were written: one file per face in their order, or one sheet.

    `lines` are printed before the paths; `notes` are remarks for the user.
    """

    paths: list[Path]
    data: dict[str, Any]
    lines: list[str] = field(default_factory=list)
    notes: Sequence[Hint] = ()


def picture_paths(out: Path | None, names: Sequence[str], sources: Iterable[str]) -> list[Path]:
    """Choose the path of each picture.

    Parameters
    ----------
    out
        A ``.png`` for one picture, a folder for any number; None for the current folder.
    names
        Stems; a repeated stem gets a number.
    sources
        Input photographs, which are not overwritten.

    Raises
    ------
    UsageError
        `out` is one file for several pictures, not a PNG, or a source; or a file would be replaced
        that faceprep did not write.
    """
    if out is not None and not out.is_dir() and out.suffix:
        _keep_sources([out], sources)
        check_png(out, "-o", "a picture")
        if len(names) > 1:
            folder = Again({"-o": f"{out.with_suffix('')}/"})
            raise UsageError(f"{len(names)} pictures cannot be written to one file {out}", folder)
        paths = [out]
    else:
        taken: dict[str, int] = {}
        paths = []
        for name in names:
            taken[name] = taken.get(name, 0) + 1
            more = f"-{taken[name]}" if taken[name] > 1 else ""
            paths.append((out or Path()) / f"{name}{more}.png")
        _keep_sources(paths, sources)
        keep_foreign(paths, "-o")
    return paths


def sheet_path(out: Path | None, name: str, sources: Iterable[str] = ()) -> Path:
    """Choose the path of a sheet: the file `out`, or a file of this name in the folder `out`.

    UsageError if it is not a PNG, is one of the input photographs, or would replace another file.
    """
    if out is None or out.is_dir():
        out = (out or Path()) / name
    _keep_sources([out], sources)
    check_png(out, "-o")
    return out


def _keep_sources(paths: Iterable[Path], sources: Iterable[str]) -> None:
    """Refuse to replace an input, which may be a picture of faceprep's own."""
    read = {Path(source).resolve() for source in sources}
    for path in paths:
        if path.resolve() in read:
            raise UsageError(
                f"{path} is the input photograph and would be overwritten",
                Again({"-o": free_path(path.with_name(f"new-{path.name}"))}),
            )


def edit_paths(inputs: InputFaces, request: EditRequest, out: Path | None) -> list[Path]:
    """Choose the paths of the pictures of an edit; errors as of `picture_paths`."""
    names = [f"{face.name}-{request.name}" for face in inputs.faces]
    donors = [] if request.donor is None else [request.donor.source]
    return picture_paths(out, names, [*(face.source for face in inputs.faces), *donors])


def write_edits(edits: Edits, generator: LoadedGenerator, paths: Sequence[Path]) -> Written:
    """Write every edited face."""
    request = edits.request
    pictures: list[dict[str, Any]] = []
    for number, (face, path) in enumerate(zip(edits.faces, paths, strict=True)):
        marks = generator.marks(**request.marks(), source=face.name)
        write_marked(edits.images[number], path, marks)
        pictures.append(
            {"source": face.source, "picture": str(path), "faces_found": face.faces_found}
        )
        if edits.action_units is not None:
            pictures[-1]["action_units"] = as_dict(edits.action_units[number])
    data = {
        "kind": "edit",
        "generator": generator.name,
        "expression": request.expression,
        "intensity": request.intensity if request.expression or request.donor else None,
        "calibrated": edits.calibrated,
        "action_units": dict(request.action_units),
        "landmarks_from": None if request.donor is None else request.donor.as_dict(),
        "pictures": pictures,
    }
    return Written([*paths], data)


def grid_path(inputs: InputFaces, out: Path | None, what: str = "grid") -> Path:
    """Choose the path of a sheet, named after the first face; errors as of `sheet_path`."""
    name = f"{inputs.faces[0].name}-{what}.png"
    return sheet_path(out, name, [face.source for face in inputs.faces])


def draw_edit_grid(edits: EditGrid, generator: LoadedGenerator, path: Path) -> Written:
    """Draw every face unedited, neutral, and with every expression at every intensity."""
    width = width_for(2 + len(edits.intensities))
    columns = ["source", NEUTRAL, *(f"{level:g}" for level in edits.intensities)]
    blocks = [header("Edits", f"all synthetic except the sources  ·  {generator.name}", width)]
    for face, neutral, images in zip(edits.faces, edits.neutral, edits.images, strict=True):
        lines = [
            Line(name, [*([None, None] if number else [face.image, neutral]), *images[number]])
            for number, name in enumerate(edits.expressions)
        ]
        blocks.append(grid(face.source, columns, lines, width))
    write_sheet(blocks, path, generator.marks(expressions=", ".join(edits.expressions)))
    data = {
        "kind": "edit sheet",
        "generator": generator.name,
        "expressions": edits.expressions,
        "intensities": [*edits.intensities],
        "sheet": str(path),
        "sources": [face.source for face in edits.faces],
    }
    return Written([path], data)


def transfer_path(faces: InputFaces, expressions: InputFaces, out: Path | None) -> Path:
    """Choose the path of the picture or sheet; errors as of `picture_paths` and `sheet_path`."""
    sources = [face.source for face in (*faces.faces, *expressions.faces)]
    if len(faces.faces) == len(expressions.faces) == 1:
        name = f"{faces.faces[0].name}-as-{expressions.faces[0].name}"
        return picture_paths(out, [name], sources)[0]
    return sheet_path(out, "transfer.png", sources)


def write_transfers(transfers: Transfers, generator: LoadedGenerator, path: Path) -> Written:
    """Write one picture for one face and one expression, else a sheet."""
    readings, images = transfers.readings, transfers.images
    marks = generator.marks(**{readings[0].mark: ", ".join(one.title for one in readings)})
    if images.shape[:2] == (1, 1):
        write_marked(images[0, 0], path, marks)
    else:
        write_sheet(_blocks(transfers, generator), path, marks)
    data = {
        "kind": "transfer",
        "generator": generator.name,
        "faces": [face.source for face in transfers.faces.faces],
        "expressions": [one.as_dict() for one in readings],
        "picture": str(path),
    }
    notes = [note for one in readings for note in one.notes()]
    return Written([path], data, [str(one) for one in readings], notes)


def _blocks(transfers: Transfers, generator: LoadedGenerator) -> list[Image.Image]:
    width = width_for(1 + len(transfers.readings))
    lines = [Line("expression of", [None, *transfers.expressions.images])]
    lines += [
        Line(face.name, [face.image, *edits])
        for face, edits in zip(transfers.faces.faces, transfers.images, strict=True)
    ]
    names = ["", *(one.title for one in transfers.readings)]
    note = f"all synthetic except the first row and column  ·  {generator.name}"
    return [header("Transfer", note, width), grid("", names, lines, width)]


def draw_new_faces(found: NewFaces, generator: LoadedGenerator, path: Path) -> Written:
    """Draw one row per identity."""
    classes = [*found.expressions]
    lines = [Line(f"seed {found.seed}, {n}", [*images]) for n, images in enumerate(found.images)]
    width = width_for(len(classes))
    blocks = [
        header(
            "New faces", f"all synthetic: these people do not exist  ·  {generator.name}", width
        ),
        grid("", classes, lines, width),
    ]
    write_sheet(blocks, path, generator.marks(seed=found.seed, expressions=", ".join(classes)))
    data = {
        "kind": "new faces",
        "generator": generator.name,
        "count": len(found.images),
        "seed": found.seed,
        "expressions": classes,
        "sheet": str(path),
    }
    return Written([path], data)


def draw_hits(found: Retrieved, generator: LoadedGenerator, out: Path) -> Path:
    """Draw every query with its hits, one row per way; path and errors of `sheet_path`."""
    queries, gallery = found.queries.faces, found.gallery
    path = sheet_path(out, "retrieved.png", [face.source for face in queries])
    images = dict(zip(gallery.ids, gallery.faces.images, strict=True))
    lines = []
    for face in queries:
        for way in dict.fromkeys(hit.way for hit in found.hits):
            hits = [hit for hit in found.hits if (hit.source, hit.way) == (face.source, way)]
            tiles = [face.image, *(images[hit.face_id] for hit in hits)]
            captions = [face.name, *(f"{hit.expression} {hit.distance:.2f}" for hit in hits)]
            lines.append(Line(f"by {way}", tiles, captions))
    most = max((len(line.tiles) for line in lines), default=1)
    columns = ["source", *(str(number) for number in range(1, most))]
    note = f"{gallery.split} faces of {workspace_of_gallery(generator).root}  ·  {generator.name}"
    width = width_for(max(most, 3))
    write_sheet([header("Retrieved", note, width), grid("", columns, lines, width)], path)
    return path
