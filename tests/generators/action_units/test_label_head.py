"""The frozen map from face features to labels."""

import torch
from builders.action_units import measured_crops
from builders.training import ToyFeatures

from faceprep.core.vocabulary import INTENSITY_AUS
from faceprep.generators.action_units.label_head import fit_label_head

LAYERS = ("low", "high")


def test_it_reads_labels_of_left_out_people_and_trusts_only_what_it_reads() -> None:
    faces = measured_crops(8)
    assert faces.action_units is not None
    labels = faces.action_units / 5
    noise = torch.Generator().manual_seed(0)
    labels[:, 0] = torch.rand(len(labels), generator=noise)
    labels[:, 1] = 0.3
    head, trusted, fit = fit_label_head(
        ToyFeatures(), faces, labels, INTENSITY_AUS, LAYERS, 0, augmented=False
    )
    assert fit.explained["AU04"] > 0.7
    assert fit.explained["AU01"] < 0.3
    assert float(trusted[1]) == fit.explained["AU02"] == 0
    assert float(trusted.mean()) == 1
    maps = ToyFeatures().activations(faces.batch(torch.arange(8)), LAYERS)
    assert float((head(maps) - labels[:8])[:, 2:].abs().mean()) < 0.1
    assert not list(head.parameters())
