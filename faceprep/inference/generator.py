"""The trained generator that a verb uses, and how its faces are aligned."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from faceprep import __version__
from faceprep.config import AlignConfig
from faceprep.core.device import choose_device
from faceprep.core.errors import UsageError
from faceprep.core.files import file_sha256
from faceprep.core.text import did_you_mean
from faceprep.generators.calibration import calibration_of
from faceprep.generators.editor import Editor
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.discover import (
    Suggest,
    file_for_use,
    is_workspace,
    workspace_flag,
    workspace_of,
)

if TYPE_CHECKING:
    from faceprep.generators.base import HasExpressionCode


@dataclass(frozen=True)
class UsedGenerator:
    """A generator, ready for use.

    Attributes
    ----------
    model, editor
        In eval mode on `device`; edits with the calibration of its file.
    file, sha256
        Where it comes from.
    kind
        Of `faceprep.generators.base.KINDS`.
    workspace
        Whose faces it knows; None for a file alone.
    align
        How photographs become crops.
    trained_on
        Subjects whom its file says it knows.
    """

    model: "HasExpressionCode"
    editor: Editor
    file: Path
    sha256: str
    kind: str
    workspace: Workspace | None
    align: AlignConfig
    trained_on: frozenset[str] = frozenset()

    @property
    def device(self) -> str:
        """Where it runs."""
        return str(self.editor.device)

    @property
    def name(self) -> str:
        """Kind, preset and size."""
        return f"{self.kind} {self.model.preset}, {self.model.size} px"

    def marks(self, **facts: object) -> dict[str, str]:
        """Text for a PNG of synthetic faces: that they are, what made them, and more facts."""
        return {
            "Software": f"faceprep {__version__}",
            "synthetic": "true",
            "generator": self.name,
            "checkpoint": self.sha256,
            **{key: str(value) for key, value in facts.items()},
        }

    def check_expression(self, expression: str) -> None:
        """Refuse an expression that faces cannot be given.

        Raises
        ------
        UsageError
            Naming those that are known.
        """
        if expression not in self.editor.expressions:
            raise UsageError(
                f"the generator does not know {expression!r}",
                did_you_mean(expression, self.editor.expressions)
                or f"one of: {', '.join(self.editor.expressions)}",
            )

    def needed_workspace(self, why: str) -> Workspace:
        """The workspace.

        Raises
        ------
        UsageError
            There is none; the message says why one is needed.
        """
        if self.workspace is None:
            raise UsageError(f"{why}: {self.file} does not lie in one", "add --workspace DIR")
        return self.workspace


def open_generator(
    workspace: Path | None = None,
    generator: Path | None = None,
    *,
    device: str = "auto",
    detector: str | None = None,
    suggest: Suggest = workspace_flag,
) -> UsedGenerator:
    """Read the generator of a workspace, or one from a file.

    Parameters
    ----------
    workspace
        Without it, that in which the generator's file lies, else the only one below
        ``manifests/``.
    generator
        Another file than the workspace's own.
    device
        ``auto``, ``cpu`` or ``cuda``.
    detector
        Another than the workspace's.
    suggest
        Gives the hint of the error for the nearest workspace.

    Raises
    ------
    UsageError
        There is no workspace, or no generator in it.
    MissingToolError
        There is no GPU.
    FaceprepError
        The file is damaged or hostile.
    """
    from faceprep.generators.store import load_generator

    root = _workspace(workspace, generator, suggest)
    file = file_for_use(generator, root)
    device = choose_device(device)
    model, checkpoint = load_generator(file, device=device)
    place = Workspace(root) if root else None
    people = checkpoint.extra.get("subjects")
    return UsedGenerator(
        model=model,
        editor=Editor(model, calibration_of(checkpoint.extra), device),
        file=file,
        sha256=file_sha256(file),
        kind=checkpoint.kind,
        workspace=place,
        align=_align(place, detector),
        trained_on=frozenset(map(str, people)) if isinstance(people, list) else frozenset(),
    )


def _workspace(given: Path | None, generator: Path | None, suggest: Suggest) -> Path | None:
    if given is not None:
        known = generator_file(given).is_file()
        return given if known else workspace_of(given, suggest, generator is None)
    if generator is None:
        return workspace_of(None, suggest, True)
    around = generator.absolute().parent.parent.parent
    return around if is_workspace(around) else None


def _align(workspace: Workspace | None, detector: str | None) -> AlignConfig:
    """Settings of the workspace's crops; annotations of a dataset say nothing of other pictures."""
    made = workspace.info("align") if workspace else {}
    values = {**made.get("config", {}).get("align", {}), **made.get("settings", {})}
    known = {key: value for key, value in values.items() if key in AlignConfig.model_fields}
    if known.get("detector") == "given":
        del known["detector"]
    if detector is not None:
        known["detector"] = detector
    try:
        found = AlignConfig.model_validate(known)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise UsageError(
            f"align.{where} cannot be {known.get(where)!r}", "--detector mtcnn or dlib"
        ) from None
    if found.detector == "given":
        raise UsageError("nothing is known of the faces in a photograph", "--detector mtcnn")
    return found
