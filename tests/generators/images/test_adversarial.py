"""GAN and WGAN of images: losses against slow derivations, networks against what they must not do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from cohortsmith.generators.contracts.architecture import NO_CLASS
from cohortsmith.generators.images.adversarial import ImageGANFamily, ImageWGANFamily, relativistic_loss, shortfall
from cohortsmith.generators.images.diff_augment import DRAWS, augment
from cohortsmith.generators.images.networks import ImageNetwork
from cohortsmith.training import Runtime, train

if TYPE_CHECKING:
    from collections.abc import Callable

    from cohortsmith.generators.contracts.objective import Family

NETWORK = ImageNetwork(channels=3, classes=4, width=16, depth=1)


def images(n: int, channels: int = 3) -> Tensor:
    return torch.randn(n, channels, 28, 28)


def stirred(net: nn.Module) -> nn.Module:
    """With every weight away from where it starts: what starts at zero would hide what is wired wrong."""
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return net


class Quadratic(nn.Module):
    """Scores a |x|^2 / 2 + b[y] . x, whose gradient a x + b[y] is known."""

    def __init__(self, steepness: float) -> None:
        super().__init__()
        self.steepness = nn.Parameter(torch.tensor(steepness))
        self.slopes = nn.Parameter(torch.randn(4, 3 * 28 * 28))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        flat = x.flatten(1)
        return (self.steepness * flat.square().sum(1) / 2 + (self.slopes[y] * flat).sum(1))[:, None] / 1000


class Same(nn.Module):
    """Gives one image back, shifted by the latent's first number."""

    noise_shape = ()

    def __init__(self) -> None:
        super().__init__()
        self.image = nn.Parameter(torch.randn(3, 28, 28))

    def forward(self, z: Tensor, y: Tensor, uniform: Tensor | None = None) -> Tensor:
        return self.image + z[:, :1, None, None]


# Losses


def test_relativistic_loss_is_the_formula_written_out() -> None:
    rng = np.random.default_rng(0)
    better, worse = rng.normal(0, 3, 30), rng.normal(1, 2, 30)
    expected = -sum(math.log(1 / (1 + math.exp(b - a))) for a, b in zip(better, worse, strict=True)) / 30
    assert relativistic_loss(torch.tensor(better), torch.tensor(worse)).item() == pytest.approx(expected)


@pytest.mark.parametrize(("r1", "r2", "step"), [(0.6, 0.0, 0), (0.0, 0.9, 3), (0.6, 0.9, 6), (0.6, 0.9, 1)])
def test_the_discriminator_pays_for_slopes_on_both_halves_every_so_often(
    stub_batch: Callable[..., Any], r1: float, r2: float, step: int
) -> None:
    family = ImageGANFamily(latent_dim=2, r1=r1, r2=r2, penalty_every=3, mode_seeking=0.0, augmentation=0.0)
    nets = {"discriminator": Quadratic(0.7), "generator": Same()}
    x, y = images(5), torch.arange(5) % 4
    batch = stub_batch(x.clone(), y, step=step)
    moves = family.losses(nets, batch)
    player, loss = next(moves)
    assert player == "discriminator"
    discriminator: Any = nets["discriminator"]
    with torch.no_grad():
        fake = nets["generator"](batch.drawn[0], y)
        expected = relativistic_loss(discriminator(x, y), discriminator(fake, y))
        if step % 3 == 0:
            for seen, weight in ((x, r1), (fake, r2)):
                slope = (0.7 * seen.flatten(1) + discriminator.slopes[y]) / 1000
                expected += 3 * weight / 2 * slope.square().sum(1).mean()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    # The penalty moves the discriminator: its gradient is the formula's, differentiated by hand.
    (moved,) = torch.autograd.grad(loss, discriminator.steepness)
    with torch.no_grad():
        pairs = (fake.flatten(1).square().sum(1) - x.flatten(1).square().sum(1)) / 2000
        by_hand = (torch.sigmoid(discriminator(fake, y) - discriminator(x, y))[:, 0] * pairs).mean()
        if step % 3 == 0:
            for seen, weight in ((x, r1), (fake, r2)):
                slope = (0.7 * seen.flatten(1) + discriminator.slopes[y]) / 1000
                by_hand += 3 * weight * (slope * seen.flatten(1) / 1000).sum(1).mean()
    assert moved.item() == pytest.approx(by_hand.item(), rel=1e-3)


def test_the_generator_is_told_by_fresh_pairs_and_both_scores_are_logged(stub_batch: Callable[..., Any]) -> None:
    family = ImageGANFamily(latent_dim=2, r1=0.0, r2=0.0, mode_seeking=0.0, augmentation=0.0)
    nets = {"discriminator": Quadratic(0.7), "generator": Same()}
    x, y = images(6), torch.arange(6) % 4
    batch = stub_batch(x.clone(), y)
    (_, _), (player, loss) = list(family.losses(nets, batch))
    assert player == "generator"
    assert batch.fresh == 1
    with torch.no_grad():
        on_real = nets["discriminator"](x, y)
        first, again = (nets["discriminator"](nets["generator"](z, y), y) for z in batch.drawn)
    assert loss.item() == pytest.approx(relativistic_loss(again, on_real).item(), rel=1e-5)
    assert batch.logged["d_real"] == [pytest.approx(torch.sigmoid(on_real - first.mean()).mean().item(), rel=1e-5)]
    assert batch.logged["d_fake"] == [pytest.approx(torch.sigmoid(first - on_real.mean()).mean().item(), rel=1e-5)]
    assert torch.autograd.grad(loss, list(nets["generator"].parameters()))[0].abs().sum() > 0


def test_wgan_penalises_some_images_between_real_and_generated(stub_batch: Callable[..., Any]) -> None:
    family = ImageWGANFamily(latent_dim=2, n_critic=2, penalised=0.5, lipschitz=0.5, mode_seeking=0.0, augmentation=0.0)
    nets = {"critic": Quadratic(0.7), "generator": Same()}
    x, y = images(6), torch.arange(6) % 4
    batch = stub_batch(x.clone(), y)
    moves = list(family.losses(nets, batch))
    assert [player for player, _ in moves] == ["critic", "critic", "generator"]
    assert batch.fresh == 2
    critic: Any = nets["critic"]
    with torch.no_grad():
        for (_, loss), latent, share in zip(moves, batch.drawn[:3:2], batch.drawn[1:4:2], strict=False):
            fake = nets["generator"](latent, y)
            gap = critic(fake, y).mean() - critic(x, y).mean()
            between = ((1 - share[:, :, None, None]) * x + share[:, :, None, None] * fake)[:3].flatten(1)
            slope = (0.7 * between + critic.slopes[y[:3]]).norm(dim=1) / 1000
            expected = gap + 10 * (slope / 0.5 - 1).square().mean()
            assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
        assert batch.logged["wasserstein"][-1] == pytest.approx(-gap.item(), rel=1e-3)
        on_fake = critic(nets["generator"](batch.drawn[4], y), y)
    assert moves[2][1].item() == pytest.approx(-on_fake.mean().item(), rel=1e-4)


# Augmentation


def test_augmentation_of_no_strength_is_identity() -> None:
    x = images(4)
    assert torch.equal(augment(x, torch.rand(4, DRAWS), 0.0), x)


def test_augmentation_shifts_by_whole_pixels_and_cuts_a_square_out() -> None:
    x, uniform = images(40, 2) + 10, torch.rand(40, DRAWS)  # nowhere zero but in holes
    out = augment(x, uniform, 0.6)
    most, hole = 2, 8
    places = set()
    for image, result, (down, right, top, left) in zip(x, out, uniform.tolist(), strict=True):
        dy, dx = int(down * (2 * most + 1)) - most, int(right * (2 * most + 1)) - most
        places.add((dy, dx))
        for row in range(28):
            for column in range(28):
                cut = (
                    -(hole // 2) <= row - int(top * 28) < hole - hole // 2
                    and -(hole // 2) <= column - int(left * 28) < hole - hole // 2
                )
                source = image[:, min(max(row + dy, 0), 27), min(max(column + dx, 0), 27)]
                assert torch.equal(result[:, row, column], torch.zeros(2) if cut else source)
    assert {way for place in places for way in place} == {-2, -1, 0, 1, 2}


def test_gradients_pass_through_the_augmentation() -> None:
    x, uniform = images(3, 1).double().requires_grad_(), torch.rand(3, DRAWS)
    weights = torch.randn(3, 1, 28, 28, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((augment(x, uniform, 1.0) * weights).sum(), x)
    # It is linear in the image, so its adjoint is its gradient.
    other = images(3, 1).double()
    assert (gradient * other).sum().item() == pytest.approx((augment(other, uniform, 1.0) * weights).sum().item())


@pytest.mark.parametrize("family", [ImageGANFamily(augmentation=0.7), ImageWGANFamily(augmentation=0.7, n_critic=1)])
def test_real_and_generated_go_through_the_same_augmentation(
    family: Family, stub_batch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[Tensor, Tensor, float]] = []

    def noted(x: Tensor, uniform: Tensor, strength: float) -> Tensor:
        calls.append((x, uniform, strength))
        return augment(x, uniform, strength)

    monkeypatch.setattr("cohortsmith.generators.images.adversarial.augment", noted)
    nets = family.build(NETWORK)
    x, y = images(4), torch.arange(4)
    list(family.losses(nets, stub_batch(x, y)))
    assert {strength for *_, strength in calls} == {0.7}
    real = [torch.equal(shown, x) for shown, *_ in calls]
    assert True in real
    assert False in real
    draws = [uniform for _, uniform, _ in calls]
    assert not any(torch.equal(a, b) for at, a in enumerate(draws) for b in draws[:at])
    assert calls[-1 - real[::-1].index(False)][0].requires_grad  # the generator learns through it


# Networks


def test_the_projection_adds_the_class_to_the_score() -> None:
    """Score(x, y) - score(x, y') = (e(y) - e(y')) . phi(x) / sqrt(d), phi read off by taking unit embeddings."""
    critic = stirred(NETWORK.encoder(1))
    told: Any = critic.told
    embeddings = told.of_class
    x, dim = images(3), embeddings.weight.shape[1]
    with torch.no_grad():
        told.of_group.weight.zero_()
        first, second = (critic(x, torch.full((3,), label)) for label in (1, 2))
        own = embeddings.weight[1] - embeddings.weight[2]
        embeddings.weight.zero_()
        base, phi = critic(x, torch.zeros(3, dtype=torch.int64)), []
        for axis in range(dim):
            embeddings.weight[0].zero_()[axis] = 1
            phi.append((critic(x, torch.zeros(3, dtype=torch.int64)) - base) * math.sqrt(dim))
    assert torch.allclose(first - second, torch.cat(phi, 1) @ own[:, None] / math.sqrt(dim), atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_patients_score_and_image_do_not_depend_on_the_others(channels: int) -> None:
    network = ImageNetwork(channels, 4, 16, 2)
    critic, maker = stirred(network.encoder(1)), stirred(network.generator_net(8))
    assert not [
        part for net in (critic, maker) for part in net.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)
    ]
    x, z, y = images(6, channels), torch.randn(6, 8), torch.tensor([0, 1, 2, 3, NO_CLASS, 1])
    for net, values in ((critic, x), (maker, z)):
        net.train()
        whole = net(values, y)
        alone = torch.cat([net(values[at : at + 1], y[at : at + 1]) for at in range(6)])
        assert torch.allclose(whole, alone, atol=1e-5)
    assert maker(z, y).shape == (6, channels, 28, 28)
    assert critic(x, y).shape == (6, 1)


def test_no_class_is_a_class_of_its_own() -> None:
    for net, values in (
        (stirred(NETWORK.encoder(1)), images(1)),
        (stirred(NETWORK.generator_net(8)), torch.randn(1, 8)),
    ):
        answers = [net(values, torch.tensor([label])) for label in (NO_CLASS, 0, 1, 2, 3)]
        assert not any(torch.allclose(a, b) for at, a in enumerate(answers) for b in answers[:at])


# Modes


def test_shortfall_is_the_log_ratio_of_distances_of_pairs_of_a_class() -> None:
    y = torch.tensor([2, 0, 2, 1, 0, 2])
    real, fake = images(6), 0.3 * images(6)
    pairs = [(1, 4), (0, 2), (2, 5)]  # neighbours of a class; class 1 has nobody beside it

    def apart(x: Tensor) -> float:
        small = x.reshape(6, 3, 7, 4, 7, 4).mean((3, 5)).flatten(1)
        return sum(float((small[a] - small[b]).norm()) for a, b in pairs) / 3

    assert shortfall(fake, real, y).item() == pytest.approx(math.log(apart(real) / apart(fake)), rel=1e-4)
    assert shortfall(real, fake, y).item() == 0  # more diverse than the patients: left alone
    assert shortfall(fake, real, torch.arange(6)).item() == 0
    # Classes that differ are no diversity: one image a class is the furthest there is.
    collapsed = torch.randn(3, 3, 28, 28)[y].requires_grad_()
    far = shortfall(collapsed, real, y)
    assert far.item() > 5
    (gradient,) = torch.autograd.grad(far, collapsed)
    assert gradient.isfinite().all()


def two_colours(n: int) -> tuple[Tensor, Tensor]:
    """Class 0 is dark, class 1 light; in both half of the images are a disc, half a square, at different places."""
    y = torch.arange(n) % 2
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    centre = 14 + 4 * (torch.rand(n, 2, 1, 1) - 0.5)
    down, right = (rows - centre[:, 0]).abs(), (columns - centre[:, 1]).abs()
    inside = (
        torch.where((torch.arange(n) // 2 % 2 == 0)[:, None, None], (down**2 + right**2).sqrt(), down.max(right)) < 7
    )
    colour = torch.where(y == 0, -1.5, 1.5)[:, None, None]
    return torch.where(inside, colour, 0.0)[:, None], y


@pytest.mark.parametrize(
    "family",
    [
        ImageGANFamily(steps=120, batch_size=24, width=16, latent_dim=8, learning_rate=5e-3),
        ImageWGANFamily(steps=80, batch_size=24, width=16, latent_dim=8, learning_rate=3e-3),
    ],
)
def test_two_colours_are_learned_each_for_its_class(family: Family) -> None:
    x, y = two_colours(400)
    nets = family.build(ImageNetwork(1, 2, family.width, family.depth))
    plan = family.plan(len(x))
    nets = train(family, nets, x, y, plan=plan, seed=0, runtime=Runtime(device="cpu")).nets
    with torch.no_grad():
        made = family.sample(nets, torch.arange(200) % 2, torch.Generator().manual_seed(0))
        again = family.sample(nets, torch.arange(200) % 2, torch.Generator().manual_seed(0))
    assert torch.equal(made, again)
    middle = made[:, 0, 11:17, 11:17].mean((1, 2))
    dark, light = middle[::2], middle[1::2]
    assert dark.mean() < -0.8
    assert light.mean() > 0.8
    for label in (0, 1):
        ratio = made[label::2].var(0).sum() / x[label::2].var(0).sum()
        assert 0.3 < ratio.sqrt() < 1.7
