"""PatchGAN discriminators."""

import torch
from builders.landmarks import network_config

from faceprep.generators.landmark_gan.discriminators import PatchDiscriminator


def test_logits_of_128_pixels_are_14_by_14_and_see_70_pixels() -> None:
    judge = PatchDiscriminator(network_config("paper", size=128), 4).eval()
    pair = torch.zeros(1, 4, 128, 128, requires_grad=True)
    logits = judge(pair)
    assert logits.shape == (1, 1, 14, 14)
    (gradient,) = torch.autograd.grad(logits[0, 0, 7, 7], pair)
    rows = gradient.abs().sum((0, 1, 3)).nonzero()[:, 0]
    assert int(rows.max() - rows.min()) + 1 == 70


def test_a_norm_at_the_output_hides_the_mean_of_a_batch_of_one_sort() -> None:
    judge = PatchDiscriminator(network_config("paper", d_output_norm=True), 4)
    for weight in judge.convs.parameters():
        torch.nn.init.normal_(weight, 0, 0.1)
    real, fake = torch.rand(4, 4, 32, 32), torch.rand(4, 4, 32, 32) + 10
    alone = judge(real).mean() - judge(fake).mean()
    known, generated = judge(torch.cat([real, fake])).chunk(2)
    assert abs(float(alone)) < 1e-3
    assert abs(float(known.mean() - generated.mean())) > 0.1
