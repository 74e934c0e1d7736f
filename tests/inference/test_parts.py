"""Parts of an edit."""

import numpy as np
import pytest

from faceprep.core.errors import Again, UsageError
from faceprep.inference.edit import EditRequest, edit_faces
from faceprep.inference.inputs import read_inputs
from faceprep.inference.parts import edit_with_parts


def test_the_parts_make_up_the_edit(unit_painter) -> None:
    faces = read_inputs(["folder/S4/anger", "folder/S5/surprise"], unit_painter)
    request = EditRequest(action_units={"AU12": 5.0})
    found = edit_with_parts(faces, unit_painter, request)
    assert (found.images == edit_faces(faces, unit_painter, request).images).all()
    assert list(found.parts) == ["colour", "mask", "flow"]
    mask, colour = (found.parts[name].transpose(0, 2, 3, 1) for name in ("mask", "colour"))
    painted = mask * (colour + 1) * 127.5 + (1 - mask) * faces.images
    assert np.abs(painted - found.images).max() <= 1


def test_a_kind_without_parts_is_refused(painter) -> None:
    faces = read_inputs(["folder/test000"], painter)
    with pytest.raises(UsageError, match="edits of exprgan tiny, 64 px have no parts") as caught:
        edit_with_parts(faces, painter, EditRequest("anger"))
    assert caught.value.hint == Again({"parts": False}, note="writes the edited face")
