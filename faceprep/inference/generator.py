"""Load a trained generator for inference, with the alignment settings of its photographs."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from faceprep import __version__
from faceprep.config import AlignConfig
from faceprep.core.device import choose_device
from faceprep.core.errors import Again, UsageError
from faceprep.core.files import file_sha256
from faceprep.core.vocabulary import choice_hint
from faceprep.datasets.lexicon import word_expression
from faceprep.generators.base import Generator, HasExpressionCode
from faceprep.generators.editor import Editor, calibration_of
from faceprep.generators.registry import kinds_driven_by, refusal, require
from faceprep.generators.store import load_generator
from faceprep.generators.targets import references_of
from faceprep.workspace import Workspace
from faceprep.workspace.artifacts import generator_file
from faceprep.workspace.discover import (
    WORKSPACES,
    file_for_use,
    find_workspaces,
    is_workspace,
    workspace_of,
)


@dataclass(frozen=True)
class LoadedGenerator:
    """A generator ready for inference."""

    #: Networks in eval mode on `device`, and editor with the calibration of the file.
    model: Generator
    editor: Editor
    #: File, and its hash.
    file: Path
    sha256: str
    kind: str  # one of `faceprep.generators.registry.KINDS`
    workspace: Workspace | None  # workspace of its training; None for a file alone
    align: AlignConfig  # alignment settings of photographs
    trained_on: frozenset[str] = frozenset()  # training subjects according to its file

    @property
    def device(self) -> str:
        """Device of the networks."""
        return str(self.editor.device)

    @property
    def name(self) -> str:
        """Kind, preset and size as text."""
        return f"{self.kind} {self.model.preset}, {self.model.size} px"

    def marks(self, **facts: object) -> dict[str, str]:
        """Return the text metadata of a PNG of synthetic faces: origin and further facts."""
        return {
            "Software": f"faceprep {__version__}",
            "synthetic": "true",
            "generator": self.name,
            "checkpoint": self.sha256,
            **{key: str(value) for key, value in facts.items()},
        }

    def expression_of(self, word: str, flag: str = "to") -> str:
        """Return the expression that a word means, in any case and several languages.

        UsageError if the generator does not know it; the hint names the supported ones.
        """
        known = self.editor.expressions
        expression = word if word in known else word_expression(word)
        if expression not in known:
            raise UsageError(
                f"the generator does not know {word!r}", choice_hint(flag, word, known)
            )
        return expression

    def needed_workspace(self, why: str) -> Workspace:
        """Return the workspace; without one, a UsageError that begins with `why`."""
        if self.workspace is None:
            found = find_workspaces(WORKSPACES)
            hint = Again({"workspace": found[0]}) if found else "name it with --workspace"
            raise UsageError(f"{why}: {self.file} is in no workspace", hint)
        return self.workspace

    def with_codes(self, what: str) -> HasExpressionCode:
        """Return the networks of a kind that has the expression codes which `what` needs.

        The hint of the UsageError lists the kinds that have them.
        """
        model: HasExpressionCode = require(self.model, HasExpressionCode, what)
        return model

    def with_action_units(self, what: str) -> None:
        """Refuse, as `with_codes` does, a kind that is not driven by Action Units."""
        self._driven_by("action_units", what)

    def with_landmarks(self, what: str) -> None:
        """Refuse, as `with_codes` does, a kind that is not driven by landmarks."""
        self._driven_by("landmarks", what)

    def _driven_by(self, name: str, what: str) -> None:
        if name not in self.editor.targets.driven_by:
            raise refusal(self.kind, kinds_driven_by(name), what)


def open_generator(
    workspace: Path | None = None,
    generator: Path | None = None,
    *,
    device: str = "auto",
    detector: str | None = None,
) -> LoadedGenerator:
    """Load the generator of a workspace, or a generator's file.

    Parameters
    ----------
    workspace
        None: the workspace that contains the file, else the only one below ``manifests/``.
    generator
        File; None for the workspace's generator.
    detector
        Detector; None for that of the workspace.

    Raises
    ------
    UsageError
        There is no workspace, or no generator in it.
    MissingToolError
        There is no GPU.
    FaceprepError
        The file is damaged or malicious.
    """
    root = _workspace(workspace, generator)
    file = file_for_use(generator, root)
    device = choose_device(device)
    model, checkpoint = load_generator(file, device=device)
    place = Workspace(root) if root else None
    people = checkpoint.extra.get("subjects")
    return LoadedGenerator(
        model=model,
        editor=Editor(
            model, calibration_of(checkpoint.extra), device, references_of(checkpoint.extra)
        ),
        file=file,
        sha256=file_sha256(file),
        kind=checkpoint.kind,
        workspace=place,
        align=_align(place, detector),
        trained_on=frozenset(map(str, people)) if isinstance(people, list) else frozenset(),
    )


def _workspace(given: Path | None, generator: Path | None) -> Path | None:
    if given is not None:
        known = generator_file(given).is_file()
        return given if known else workspace_of(given, generator=generator is None)
    if generator is None:
        return workspace_of(None, generator=True)
    if generator.name == str(generator) and not generator.exists():
        found = find_workspaces(WORKSPACES)  # the name of a generator in the only workspace
        return found[0] if len(found) == 1 else None
    around = generator.absolute().parent.parent.parent
    return around if is_workspace(around) else None


def _align(workspace: Workspace | None, detector: str | None) -> AlignConfig:
    """Return the alignment settings of the workspace, with a detector for new photographs."""
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
        choices = choice_hint("detector", str(detector), ("mtcnn", "dlib"))
        hint = choices if where == "detector" else "align the workspace again"
        raise UsageError(f"align.{where} cannot be {known.get(where)!r}", hint) from None
    if found.detector == "given":
        raise UsageError(
            "detector given: a photograph comes without landmarks", Again({"detector": "mtcnn"})
        )
    return found
