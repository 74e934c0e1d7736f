import numpy as np
import pytest

from faceprep.core.errors import FaceprepError
from faceprep.core.images import write_png
from faceprep.workspace.crops import read_crop


def test_a_crop_is_read_or_the_hint_says_how_to_make_it_again(tmp_path):
    path = tmp_path / "a.png"
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    write_png(path, image)
    assert np.array_equal(read_crop(path, "align it"), image)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(FaceprepError, match=r"the crop .*a\.png cannot be read: .*truncated") as no:
        read_crop(path, "align it")
    assert no.value.hint == "align it"
