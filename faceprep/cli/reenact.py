"""The verb ``reenact``: a face driven by a clip."""

from pathlib import Path
from typing import Annotated

import typer

from faceprep.cli import generator_flags as flags
from faceprep.cli.exit_codes import guarded, say_next
from faceprep.cli.options import Device, Json, Quiet, Verbose
from faceprep.cli.root import GENERATE, app
from faceprep.core.disk import refuse_unwritable


@app.command(rich_help_panel=GENERATE)
@guarded
def reenact(
    photograph: Annotated[
        str, typer.Argument(metavar="PHOTO", help="Photograph, or face_id of the workspace.")
    ],
    clip: Annotated[
        str, typer.Argument(metavar="CLIP", help="Folder of frames, or a video (needs PyAV).")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="MP4|GIF|DIR",
            help="MP4 to write, with a GIF beside it; a GIF alone; or a folder for both.",
        ),
    ] = None,
    neutral: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Number of the clip's neutral frame; by default those with the weakest AUs.",
        ),
    ] = None,
    smooth: Annotated[
        int, typer.Option(metavar="N", help="Frames of the smoothing filter, odd; 1: none.")
    ] = 5,
    fps: Annotated[
        float | None,
        typer.Option(
            min=1, max=240, help="Frames per second; by default those of the video, 25 of a folder."
        ),
    ] = None,
    beside: Annotated[
        bool, typer.Option("--beside", help="Show the face of the clip beside the edited one.")
    ] = False,
    frames: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every frame as a PNG, too.")
    ] = None,
    workspace: flags.WorkspaceFlag = None,
    generator: flags.GeneratorFile = None,
    detector: flags.Detector = None,
    device: Device = None,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Drive a face by the Action Units of a clip.

    faceprep reenact me.jpg smile.mp4 -o me-smiling.mp4
    """  # fmt: skip
    from faceprep.core.progress import Progress
    from faceprep.inference.clip import open_clip
    from faceprep.inference.generator import open_generator
    from faceprep.inference.reenact import check_window, measure_clip
    from faceprep.inference.reenact import reenact as drive_face
    from faceprep.report.reenactment import (
        frame_paths,
        movie_paths,
        note_without_pyav,
        write_reenactment,
    )

    check_window(smooth)
    for place in (out or Path(), frames or Path()):
        refuse_unwritable(place)
    loaded = open_generator(workspace, generator, device=device or "auto", detector=detector)
    flags.note_unfinished(loaded.workspace, loaded.file, quiet)
    loaded.with_action_units("be driven by a clip")
    film = open_clip(clip, loaded.align.max_pixels, fps)
    with Progress(quiet=quiet) as progress:
        inputs = flags.read_faces([photograph], loaded, progress)
        movies = movie_paths(inputs.faces[0], film, out)
        drive = measure_clip(film, loaded, neutral, progress)
        for note in drive.notes:
            if note not in inputs.notes():
                progress.say(note)
        pictures = frame_paths(frames, len(drive))
        done = drive_face(inputs.faces[0], drive, smooth)
        written = write_reenactment(
            done, loaded, movies, pictures, beside=beside, progress=progress
        )
    flags.print_written(written, json, quiet)
    more = note_without_pyav(movies) if out is None else None
    if more is not None:
        say_next(more, quiet=json or quiet)
    return flags.exit_code(inputs)
