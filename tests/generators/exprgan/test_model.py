import pytest
import torch
from builders.exprgan import SIX, Training, images, labels, smallest

from faceprep.generators.base import Generator, HasExpressionCode, MakesNewFaces, Target
from faceprep.generators.blocks import losses
from faceprep.generators.exprgan import build, codes, paper


def edit(model, batch: int = 4):
    x, y = images(batch), labels(batch)
    c = model.controller(y.flip(1), codes.uniform_noise(batch, 5))
    return x, y, c, model.encode(x)


def test_it_is_a_generator() -> None:
    model = build(smallest(), device="meta")
    assert isinstance(model, Generator)
    assert isinstance(model, MakesNewFaces)
    assert isinstance(model, HasExpressionCode)


def test_an_edit_towards_a_target_is_the_decoded_code() -> None:
    model = build(smallest(residual_init=0.5), seed=3).eval()
    with torch.no_grad():
        x, _, c, g = edit(model)
        edited = model.edit(x, Target(code=c))
        assert torch.equal(edited.images, model.decode(g, c, x))
        assert set(edited.parts) == {"warped", "flow", "residual"}
        u = codes.uniform_noise(4, model.identity)
        new = model.new_faces(u, Target(code=c)).images
        assert torch.equal(new, model.decode(model.identities(u), c))
    with pytest.raises(ValueError, match="no code"):
        model.edit(x, Target())


def test_an_untrained_edit_is_the_source_bit_for_bit() -> None:
    model = build(smallest(), seed=3)
    x, _, c, g = edit(model)
    parts = model.edit_parts(g, c, x)
    assert torch.equal(parts.image, x)
    assert not parts.flow.any()
    assert not parts.residual.any()
    assert not torch.equal(model.decode(g, c), x)


def test_one_step_ends_the_identity() -> None:
    model = build(smallest(), seed=3)
    x, _, c, g = edit(model)
    optimizer = torch.optim.SGD(model.parameters_of("path"), lr=1.0)
    for _ in range(2):
        optimizer.zero_grad()
        losses.pixel_loss(model.decode(g.detach(), c, x), x.flip(3)).backward()
        optimizer.step()
    parts = model.edit_parts(g, c, x)
    assert float(parts.flow.detach().abs().max()) > 0
    assert float(parts.residual.detach().abs().max()) > 0


def test_the_path_can_be_taken_apart() -> None:
    x = images(2)
    for changes in ({"max_flow": 0.0}, {"residual_scale": 0.0}, {"path_sees_decoder": False}):
        model = build(smallest(residual_init=0.5, **changes), seed=0)
        _, _, c, g = edit(model, 2)
        parts = model.edit_parts(g, c, x)
        assert parts.image.shape == x.shape
        assert bool(parts.residual.any()) is ("residual_scale" not in changes)
    plain = build(paper(SIX, 32, width=4, d_width=4, d_features=16), seed=0)
    _, _, c, g = edit(plain, 2)
    assert torch.equal(plain.decode(g, c, x), plain.decode(g, c))
    with pytest.raises(ValueError, match="no path"):
        plain.edit_parts(g, c, x)


def test_images_stay_in_range_and_the_clamp_passes_the_gradient() -> None:
    model = build(smallest(residual_init=1.0, residual_scale=4.0, residual_limit=0.0), seed=0)
    x, _, c, g = edit(model)
    x = x.clone().fill_(0.99)
    image = model.decode(g, c, x)
    assert float(image.detach().max()) == 1.0
    assert float(image.detach().min()) >= -1.0
    image.sum().backward()
    bias = model.path.residual.bias
    assert torch.allclose(bias.grad, torch.full((3,), 4.0 * 4 * 32 * 32))


@pytest.mark.parametrize("source", [True, False])
def test_gradients_reach_every_maker_that_took_part(source: bool) -> None:
    model = build(smallest(residual_init=0.5), seed=0)
    torch.nn.init.normal_(model.path.flow.weight)
    torch.nn.init.normal_(model.path.residual.weight)
    for module in (*model.path.modules(), *model.decoder.modules()):
        if hasattr(module, "film"):
            torch.nn.init.normal_(module.film.weight, std=0.1)
    x, y, c, g = edit(model)
    made = model.decode(g, c, x if source else None)
    judged = model.d_image(made, y)
    loss = made.square().mean() + losses.q_loss(judged.code, c, 6)
    (loss + losses.generator_loss(judged.logit) + losses.class_loss(judged.classes, y)).backward()
    taken = ["encoder", "decoder", "d_image"] + (["path"] if source else [])
    unused = {"decoder.convs.4.weight"} if source else set()  # of G_dec's own image
    for name, parameter in model.named_parameters():
        if name.split(".")[0] in taken and name not in unused:
            assert parameter.grad is not None, name
            assert float(parameter.grad.abs().sum()) > 0, name


def test_a_seed_means_the_same_weights_and_leaves_the_global_state() -> None:
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first, second, other = (build(smallest(), seed=s) for s in (4, 4, 5))
    assert torch.equal(before, torch.get_rng_state())
    weights = [m.state_dict() for m in (first, second, other)]
    assert all(torch.equal(weights[0][k], weights[1][k]) for k in weights[0])
    assert not all(torch.equal(weights[0][k], weights[2][k]) for k in weights[0])


def test_training_repeats_exactly() -> None:
    torch.set_num_threads(1)
    runs = [Training(), Training()]
    losses_seen = []
    for run in runs:
        torch.manual_seed(0)
        losses_seen.append([run.step() for _ in range(3)])
    assert losses_seen[0] == losses_seen[1]
    first, second = (run.model.state_dict() for run in runs)
    assert all(torch.equal(first[key], second[key]) for key in first)


def test_training_lowers_the_loss() -> None:
    run = Training()
    values = [run.step() for _ in range(25)]
    assert sum(values[-5:]) < sum(values[:5])


@pytest.mark.parametrize("preset", ["tiny", "paper"])
def test_bfloat16_autocast_trains_and_gives_float32(preset: str) -> None:
    config = smallest() if preset == "tiny" else paper(SIX, 32, width=4, d_width=4, d_features=16)
    model = build(config, seed=0)
    x, y = images(4), labels(4)
    with torch.autocast("cpu", torch.bfloat16):
        g = model.encode(x)
        c = model.controller(y, codes.uniform_noise(4, 5))
        made, bottleneck = model.decode(g, c, x), model.decode(g, c)
        judged = model.d_image(made, y)
        loss = losses.pixel_loss(made, x.flip(3)) + losses.pixel_loss(bottleneck, x)
        loss = loss + losses.q_loss(judged.code, c, 6) + losses.generator_loss(judged.logit)
        loss = loss + losses.real_loss(model.d_latent(g))
    assert {t.dtype for t in (g, c, made, bottleneck, judged.code, loss)} == {torch.float32}
    loss.backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_channels_last_changes_nothing_but_the_rounding() -> None:
    model = build(smallest(residual_init=0.5), seed=0).eval()
    x, y, c, g = edit(model)
    plain = model.decode(g, c, x)
    model = model.to(memory_format=torch.channels_last)
    last = model.decode(g, c, x.to(memory_format=torch.channels_last))
    assert torch.allclose(plain, last, atol=1e-4)
    assert model.q(x, y).shape == (4, 30)
