import pytest
import torch

from faceprep.core.device import choose_device
from faceprep.core.errors import MissingToolError, UsageError


@pytest.mark.parametrize("there", [False, True])
def test_the_gpu_is_taken_where_there_is_one(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert choose_device("auto") == ("cuda" if there else "cpu")
    assert choose_device("cpu") == "cpu"
    if there:
        assert choose_device("cuda") == "cuda"
    else:
        with pytest.raises(MissingToolError) as error:
            choose_device("cuda")
        assert error.value.hint == "--device cpu"


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(UsageError, match="no device 'tpu'"):
        choose_device("tpu")
