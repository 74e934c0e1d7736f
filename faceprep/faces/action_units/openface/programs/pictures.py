"""Copy images for the programs of OpenFace, named by number, and remove them after each run.

Plain JPEG and PNG files are copied unchanged. The programs do not read other files in the same way
(other formats, 16 bits, CMYK, transparency, EXIF), so these are converted to PNG as `align` decodes
them.
"""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from faceprep.config import Config
from faceprep.core.image_header import read_header
from faceprep.core.images import UnreadableImage, decode_image, read_file, write_png
from faceprep.faces.action_units.backend import FaceInput
from faceprep.faces.action_units.openface.programs.batch_runner import (
    BatchItem,
    BatchRunner,
    Outcome,
)
from faceprep.faces.action_units.openface.programs.program import find_program
from faceprep.workspace.manifest import inside

#: Size of the images on disk for one run of a program.
_BATCH_BYTES = 256_000_000


class ProgramPictures:
    """Copy images below the absolute path `scratch`, and run a program on them."""

    def __init__(self, tool: str, config: Config, scratch: Path) -> None:
        self.source = config.aus.input
        self._config = config
        self._folder = scratch / "pictures"
        self._bytes = 0
        self._runner = BatchRunner(
            find_program(config.aus.openface_bin),
            tool,
            config.aus.openface_flags,
            config.aus.openface_timeout,
            scratch,
        )

    @property
    def full(self) -> bool:
        """Whether the copies take so much space that the program should run now."""
        return self._bytes > _BATCH_BYTES

    def copy_face(self, face: FaceInput, stem: str) -> Path:
        """Copy the photograph or the crop of a face; see `copy`."""
        if self.source == "crop":
            return self.copy(inside(self._config.workspace / "align", face.align["crop"]), stem)
        path = inside(self._config.dataset_root(), face.select["path"])
        return self.copy(path, stem, face.select.get("sha256"))

    def copy(self, path: Path, stem: str, sha256: str | None = None) -> Path:
        """Copy an image to where the program reads it; return the copy.

        Raises UnreadableImage if it cannot be read or has changed.
        """
        limit = self._config.align.max_pixels
        data = read_file(path, limit)
        if sha256 and hashlib.sha256(data).hexdigest() != sha256:
            raise UnreadableImage("changed since it was selected; run select again")
        target = self._folder / stem
        header = read_header(data)
        if header is None or not header.plain or header.has_exif:
            image = decode_image(data, limit)
            target.parent.mkdir(parents=True, exist_ok=True)
            target = target.with_suffix(".png")
            self._bytes += len(write_png(target, image))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target = target.with_suffix(".jpg" if data.startswith(b"\xff\xd8") else ".png")
            self._bytes += target.write_bytes(data)
        return target

    def run(self, items: Sequence[BatchItem]) -> list[Outcome]:
        """Run the program on the copies, and remove them."""
        try:
            return self._runner.run(items)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._bytes = 0
