import pytest
import torch

from faceprep.core.device import choose_device
from faceprep.core.errors import Again, MissingToolError, UsageError


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
        assert error.value.hint == Again({"device": "cpu"})


@pytest.mark.parametrize(
    ("word", "meant"), [("gpu", "cuda"), ("GPU", "cuda"), ("CPU", "cpu"), ("cud", "cuda")]
)
def test_an_unknown_device_is_refused_with_a_known_one(word: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"no device '{word}'") as error:
        choose_device(word)
    assert error.value.hint == Again({"device": meant}, note=f"did you mean {meant}?")


@pytest.mark.parametrize("word", ["tpu", "mps"])
def test_a_device_unlike_any_is_refused_with_all(word: str) -> None:
    with pytest.raises(UsageError) as error:
        choose_device(word)
    assert error.value.hint == "one of: auto, cpu, cuda"
