"""Choice among the faces of a photograph."""

from faceprep.faces.finder import Face, choose

BOXES = {
    "small": Face((90, 70, 20, 20), 0.99),
    "large": Face((0, 0, 60, 70), 0.9),
    "equal": Face((130, 0, 70, 60), 0.8),
}


def test_choice_of_the_face() -> None:
    faces = list(BOXES.values())
    assert choose(faces, "largest", (160, 200, 3)) is BOXES["large"]
    assert choose(faces, "central", (160, 200, 3)) is BOXES["small"]
