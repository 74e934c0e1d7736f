"""Evaluate the edits of a workspace's trained generator."""

from dataclasses import dataclass
from pathlib import Path

from faceprep.core.device import choose_device
from faceprep.core.errors import Again, UsageError
from faceprep.core.progress import Progress
from faceprep.evaluation.edits.evaluate import INTENSITIES, NEW_IDENTITIES, evaluate_edits
from faceprep.evaluation.edits.result import EditReport
from faceprep.faces.features import load_features
from faceprep.generators.editor import Editor, calibration_of
from faceprep.generators.registry import kinds_driven_by
from faceprep.generators.store import load_generator
from faceprep.generators.targets import NEUTRAL, references_of
from faceprep.metrics.expression_classifier.aligned_faces import LabelledFaces
from faceprep.metrics.expression_classifier.fit import fit_classifiers
from faceprep.metrics.workspace_faces import labelled_rows, read_faces, rows_of_split, some_faces
from faceprep.workspace import Workspace
from faceprep.workspace.discover import file_for_use, workspace_of


@dataclass(frozen=True)
class Evaluated:
    """A report, with the generator and the edited test faces to draw it."""

    report: EditReport
    editor: Editor
    test: LabelledFaces


def evaluate_workspace(
    path: Path | None = None,
    generator: Path | None = None,
    *,
    split: str = "test",
    sources: int | None = None,
    intensities: tuple[float, ...] = INTENSITIES,
    identities: int = NEW_IDENTITIES,
    second_judge: bool = False,
    external_judge: str | None = None,
    curve: bool = False,
    device: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> Evaluated:
    """Evaluate the generator of a workspace on subjects that it was not trained on.

    Parameters
    ----------
    path
        Path of the workspace; None for the only one below ``manifests/``.
    generator
        File; None for the workspace's generator.
    split
        Side of the split to edit: ``test``, or ``val`` to compare variants.
    sources
        Largest number of faces to edit, of as many subjects as possible; all if None.
    second_judge
        Also fit the convolutional network.
    external_judge
        Also classify with the network of the package ``fer``: ``fer``, or its weight file.
    curve
        Refuse a kind that is not driven by Action Units, because it has no curve.

    Raises
    ------
    UsageError
        There is no generator, no face of the split, or of the training.
    MissingToolError
        There is no GPU of that name, or the weights of the external judge are missing.
    FaceprepError
        The generator's file is damaged or malicious.
    """
    workspace = Workspace(workspace_of(path, generator=generator is None))
    file = file_for_use(generator, workspace.root)
    if split not in ("test", "val"):
        raise UsageError(
            f"edits are evaluated on unseen people, not on {split!r}", Again({"split": "test"})
        )
    device = choose_device(device)
    model, checkpoint = load_generator(file, device=device)
    editor = Editor(
        model, calibration_of(checkpoint.extra), device, references_of(checkpoint.extra)
    )
    if curve and "action_units" not in editor.targets.driven_by:
        able = kinds_driven_by("action_units")
        raise UsageError(
            f"the kind {model.kind} is not driven by Action Units, so that it has no curve",
            f"kinds that are: {', '.join(able) or 'none'}",
        )
    table = labelled_rows(workspace, [*model.classes, NEUTRAL])
    sides = [rows_of_split(workspace, table, name, model.classes) for name in ("train", split)]
    train = read_faces(workspace, sides[0], model.size)
    people = read_faces(workspace, sides[1], model.size, editor.targets.measured)
    test = some_faces(people, sources, seed)
    progress = progress or Progress(quiet=True)
    progress.say("judges are trained on the training subjects")
    judges = fit_classifiers(
        train, model.classes, network=second_judge, external=external_judge, seed=seed
    )
    report = evaluate_edits(
        editor, test, train, judges, load_features(device=device, template=test.template),
        intensities=intensities, identities=identities, seed=seed, progress=progress, people=people,
        name=f"{file} ({checkpoint.kind} {model.preset})",
    )  # fmt: skip
    return Evaluated(report, editor, test)


def read_intensities(text: str) -> tuple[float, ...]:
    """Parse ``0.2,0.6,1``: three or more different numbers from 0 to 1, else UsageError."""
    try:
        levels = tuple(sorted({float(word) for word in text.split(",")}))
    except ValueError:
        levels = ()
    if len(levels) < 3 or not all(0 <= level <= 1 for level in levels):
        some = Again({"intensities": "0.2,0.6,1"})
        raise UsageError(f"{text!r} are not three or more numbers from 0 to 1", some)
    return levels
