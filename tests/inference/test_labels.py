"""Labels of faces: from the user, the workspace or a judge."""

import pytest

from faceprep.core.errors import UsageError
from faceprep.core.progress import Progress
from faceprep.inference import labels as labels_module
from faceprep.inference.inputs import InputFace, read_inputs
from faceprep.inference.labels import Label, labels_of
from faceprep.metrics.expression_classifier.aligned_faces import AlignedFaces

QUIET = Progress(quiet=True)


@pytest.fixture
def faces(painter):
    return read_inputs(["folder/test000", "folder/test003"], painter)


def test_labels_are_asked_for_then_the_workspace_s_then_a_judge_s(painter, faces, monkeypatch):
    asked = labels_of(faces.faces, painter, "anger", QUIET)
    assert asked == [Label("anger", "asked")] * 2
    with pytest.raises(UsageError, match="does not know 'fear'"):
        labels_of(faces.faces, painter, "fear", QUIET)
    known = labels_of(faces.faces, painter, None, QUIET)
    assert [label.by for label in known] == ["workspace"] * 2
    assert known[0].expression == faces.faces[0].expression
    stranger = InputFace("stranger.png", faces.faces[0].image)
    found = labels_of([faces.faces[1], stranger], painter, None, QUIET)
    assert found[0].by == "workspace"
    assert found[1].by == "judge landmarks+HOG"
    assert 1 / 3 < found[1].probability <= 1
    # The judge sees the face in the same template as it learnt.
    seen: list[str] = []
    monkeypatch.setattr(
        labels_module, "AlignedFaces", lambda *it: seen.append(it[1]) or AlignedFaces(*it)
    )  # fmt: skip
    labels_of([stranger], painter, None, QUIET)
    assert seen == ["expression"]
