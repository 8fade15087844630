"""The image VAE: its two terms, its flow, the spectrum of its noise, and the way between two patients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Normal, kl_divergence

from cohortsmith.data import DataError, simulate
from cohortsmith.generators import VAE, load
from cohortsmith.generators.contracts.architecture import NO_CLASS
from cohortsmith.generators.images.autoencoder import ImageLikelihood
from cohortsmith.generators.images.flow_prior import FlowPrior
from cohortsmith.generators.images.networks import ImageNetwork
from cohortsmith.generators.images.vae import ImageVAEFamily
from cohortsmith.training import adam

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SMALL: dict[str, Any] = {
    "latent_dim": 49,
    "width": 16,
    "depth": 1,
    "prior_width": 16,
    "prior_depth": 1,
    "guidance": 1.0,
}


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def built(channels: int = 3, classes: int = 2, **settings: Any) -> tuple[ImageVAEFamily, Any]:
    family = ImageVAEFamily(**SMALL | settings)
    return family, family.build(ImageNetwork(channels, classes, 16, 1))


def shaken(module: torch.nn.Module) -> None:
    """Weights that start at zero hide what they multiply."""
    with torch.no_grad():
        for at, weight in enumerate(module.parameters()):
            weight.add_(0.1 * draws(*weight.shape, seed=at))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_likelihood_is_that_of_scipy(channels: int) -> None:
    law = ImageLikelihood(ImageNetwork(channels, 2, 16, 1))
    decoded, x = draws(5, channels + 1, 28, 28), draws(5, channels, 28, 28, seed=1)
    with torch.no_grad():
        law.level.copy_(torch.linspace(-1.0, -0.5, channels)[:, None, None])
        came = law.nll(decoded, x, torch.zeros(5, dtype=torch.int64)).item()
    level = np.linspace(-1.0, -0.5, channels)[:, None, None]
    spread = np.clip(np.exp(level + 1.5 * np.tanh(decoded[:, channels:].numpy())), 0.02, math.e)
    exact = -np.asarray(stats.norm.logpdf(x, decoded[:, :channels], spread)).sum(axis=(1, 2, 3)).mean()
    constant = channels * 28 * 28 * 0.5 * math.log(2 * math.pi)
    assert came == pytest.approx(exact - constant, rel=1e-5)


def test_the_elbo_and_the_flow_are_two_players(stub_batch: Callable[..., Any]) -> None:
    family, nets = built(beta=2.0, kl_warmup=0.5, prior_start=0.2, class_dropout=0.5)
    for net in nets.values():
        shaken(net)
    x, y = draws(6, 3, 28, 28), torch.arange(6) % 2
    assert [player for player, _ in family.losses(nets, stub_batch(x, y, step=19, steps=100))] == ["vae"]
    batch = stub_batch(x, y, step=24, steps=100)
    losses = dict(family.losses(nets, batch))
    assert list(losses) == list(family.players(nets)) == ["vae", "prior"]

    mean, log_variance = nets["encoder"](x, y).chunk(2, dim=1)
    spread = (0.5 * log_variance).exp()
    kl = kl_divergence(Normal(mean, spread), Normal(0.0, 1.0)).sum(1).mean()
    assert batch.logged["kl"] == [pytest.approx(kl.item(), rel=1e-5)]
    reconstruction = nets["law"].nll(nets["decoder"](mean + spread * batch.drawn[0], y), x, y)
    assert losses["vae"].item() == pytest.approx((reconstruction + 2.0 * 0.5 * kl).item(), rel=1e-5)

    _, again, odds, hidden, noise = batch.drawn
    latent, t = mean + spread * again, torch.sigmoid(odds)
    told = y.masked_fill(hidden < 0.5, NO_CLASS)
    assert 0 < (told == NO_CLASS).sum() < 6
    slow = 0.0
    for patient in range(6):
        time = t[patient]
        between = time * latent[patient] + (1 - time) * noise[patient]
        velocity = nets["prior"].velocity(between[None], time[None], told[patient : patient + 1])[0]
        slow += (velocity - (latent[patient] - noise[patient])).square().mean().item() / 6
    assert losses["prior"].item() == pytest.approx(slow, rel=1e-4)
    # The flow learns latents as they come; it does not pull at the encoder.
    assert all(w is None for w in torch.autograd.grad(losses["prior"], nets["encoder"].parameters(), allow_unused=True))


def test_the_flow_of_a_gaussian_is_the_line_that_is_known() -> None:
    centre, spread = draws(49), 0.3

    class Known(FlowPrior):
        def velocity(self, z: torch.Tensor, t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            # z_t ~ N(t c, (1 - t)^2 + t^2 s^2), and E[z - e | z_t] by linear regression.
            time = t[:, None]
            variance = (1 - time).square() + (time * spread).square()
            return centre + (time * spread**2 - (1 - time)) / variance * (z - time * centre)

    noise, y = draws(20, 49, seed=1), torch.zeros(20, dtype=torch.int64)
    exact = centre + spread * noise  # the map of N(0, I) onto N(c, s^2 I) that this ODE has
    shape = ImageNetwork(3, 2, 16, 1)
    flows = (Known(shape, 49, 16, 1, solver_steps=steps) for steps in (8, 16, 32))
    errors = [(flow(noise, y) - exact).abs().max().item() for flow in flows]
    assert errors[2] < 0.01
    assert errors[0] > 3 * errors[1] > 9 * errors[2], "Heun's method is of second order"


def test_the_flow_learns_the_latents_of_each_class() -> None:
    prior = FlowPrior(ImageNetwork(3, 2, 16, 1), 49, 32, 1, solver_steps=8)
    optimizer = adam(prior.parameters())
    generator = torch.Generator().manual_seed(0)
    smooth = torch.linspace(-1, 1, 49)

    def aggregate(y: torch.Tensor) -> torch.Tensor:
        # One number a patient, spread over the whole map, and its sign in the middle says the class.
        height = torch.randn(len(y), 1, generator=generator)
        return smooth * height + torch.where(y == 0, 1.0, -1.0)[:, None] + 0.3 * draws_like(y)

    def draws_like(y: torch.Tensor) -> torch.Tensor:
        return torch.randn(len(y), 49, generator=generator)

    for step in range(240):
        optimizer.param_groups[0]["lr"] = 6e-3 * (1 - step / 240)
        y = torch.randint(2, (48,), generator=generator)
        loss = prior.loss(aggregate(y), draws_like(y), torch.randn(48, generator=generator).sigmoid(), y)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        y = torch.arange(600) % 2
        made, real = prior(draws_like(y), y), aggregate(y)
    for label in (0, 1):
        one, other = made[y == label], real[y == label]
        assert (one.mean(0) - other.mean(0)).abs().mean() < 0.2  # classes lie 2 apart
        share = [((z - z.mean(0)) @ smooth / smooth.norm()).var().item() for z in (one, other)]
        assert share[0] == pytest.approx(share[1], rel=0.25), "what the places of a map have in common"
        rest = [((z - z.mean(0)).square().sum(1).mean().item()) for z in (one, other)]
        assert rest[0] == pytest.approx(rest[1], rel=0.2)


@torch.no_grad()
def test_guidance_pushes_away_from_the_population() -> None:
    own, pushed = (FlowPrior(ImageNetwork(3, 2, 16, 1), 49, 16, 1, guidance=guidance) for guidance in (1.0, 2.5))
    shaken(own)
    pushed.load_state_dict(own.state_dict())
    z, t, y = draws(4, 49), torch.rand(4), torch.arange(4) % 2
    common = own.velocity(z, t, torch.full((4,), NO_CLASS))
    expected = common + 2.5 * (own.velocity(z, t, y) - common)
    torch.testing.assert_close(pushed._guided(z, t, y), expected, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(own(z, y), pushed(z, y), atol=1e-3)


def test_the_noise_has_the_spectrum_of_the_residuals() -> None:
    law = ImageLikelihood(ImageNetwork(3, 2, 16, 1))
    n = 400
    decoded, y = torch.zeros(n, 4, 28, 28), torch.zeros(n, dtype=torch.int64)
    decoded[:, 3, :, 14:] = 0.5  # the picture's right half is noisier

    def spectrum(field: torch.Tensor) -> torch.Tensor:
        wave = torch.fft.rfft2(field.double(), norm="ortho")
        return torch.einsum("nihw,njhw->ijhw", wave, wave.conj()) / len(field)

    white = draws(n, 3, 28, 28)
    smooth = white + white.roll(1, 2) + white.roll((1, 1), (2, 3)) + white.roll(1, 3)
    field = smooth.clone()
    field[:, 1] = 0.8 * field[:, 0] + 0.2 * field[:, 1]  # colours go together
    spread = law._log_spread(decoded).exp().detach()
    law.fit(
        [(part, image) for part, image in zip(torch.split(decoded, 150), torch.split(field * spread, 150), strict=True)]
    )
    drawn = law.sample(decoded, y, torch.Generator().manual_seed(1)).detach() / spread
    wanted, came = spectrum(field), spectrum(drawn)
    scale = wanted.real.diagonal(dim1=0, dim2=1).mean(dim=(0, 1))
    assert ((came - wanted).abs().mean(dim=(2, 3)) < 0.12 * scale.mean()).all()
    assert wanted[0, 0, 14, 14].real < 0.01 * wanted[0, 0, 0, 0].real  # white noise would fail
    assert came[0, 0, 14, 14].real < 0.01 * came[0, 0, 0, 0].real
    colours = np.corrcoef(drawn[:, 0].flatten().numpy(), drawn[:, 1].flatten().numpy())[0, 1]
    assert colours == pytest.approx(np.corrcoef(field[:, 0].flatten(), field[:, 1].flatten())[0, 1], abs=0.02)


def test_finish_fits_the_noise_and_nothing_else() -> None:
    family, nets = built()
    for net in nets.values():
        shaken(net)
    x, y = draws(40, 3, 28, 28), torch.arange(40) % 2
    before = {f"{name}.{key}": value.clone() for name, net in nets.items() for key, value in net.state_dict().items()}
    white = family.sample(nets, y, torch.Generator().manual_seed(0))
    family.finish(nets, x, y)
    after = {f"{name}.{key}": value for name, net in nets.items() for key, value in net.state_dict().items()}
    assert [name for name in after if not torch.equal(before[name], after[name])] == ["law.root"]
    assert not torch.equal(white, family.sample(nets, y, torch.Generator().manual_seed(0)))
    root = nets["law"].root.clone()
    family.finish(nets, x, y)
    assert torch.equal(root, nets["law"].root)


@torch.no_grad()
def test_samples_start_from_the_prior_asked_for() -> None:
    for chosen in ("fitted", "normal"):
        family, nets = built(prior=chosen)
        for net in nets.values():
            shaken(net)
        nets["law"].level.fill_(-100.0)  # no noise to speak of
        y = torch.tensor([0, 1, NO_CLASS])
        codes = family.sample(nets, y, torch.Generator().manual_seed(4))
        latent = draws(3, 49, seed=4)
        latent = nets["prior"](latent, y) if chosen == "fitted" else latent
        expected = nets["decoder"](latent, y)[:, :3]
        assert codes.shape == (3, 3, 28, 28)
        assert (codes - expected).abs().max() < 0.02 * 6


@torch.no_grad()
def test_the_ends_of_an_interpolation_are_of_the_classes_asked() -> None:
    family, nets = built(classes=3)
    for net in nets.values():
        shaken(net)
    way = family.interpolate(nets, 2, 0, 5, torch.Generator().manual_seed(7))
    ends = torch.tensor([2, 0])
    decoded = nets["decoder"](nets["prior"](draws(2, 49, seed=7), ends), ends)
    assert way.shape == (5, 3, 28, 28)
    torch.testing.assert_close(way[[0, -1]], decoded[:, :3], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(way[0], way[-1], atol=1e-2)
    # In the middle the flow starts from noise of unit spread, under the mean of both classes' velocities.
    noise = draws(2, 49, seed=7)
    middle = (noise[:1] + noise[1:]) / math.sqrt(2)
    z, step = middle, 1 / family.solver_steps
    for at in range(family.solver_steps):
        slopes: list[torch.Tensor] = []
        for time, place in ((at * step, z), ((at + 1) * step, None)):
            place = z + step * slopes[0] if place is None else place
            sides = [
                nets["prior"].velocity(place, torch.tensor([time]), ends[at_end : at_end + 1]) for at_end in (0, 1)
            ]
            slopes.append((sides[0] + sides[1]) / 2)
        z = z + step * (slopes[0] + slopes[1]) / 2
    mixed = (nets["decoder"](z, ends[:1]) + nets["decoder"](z, ends[1:])) / 2
    torch.testing.assert_close(way[2], mixed[0, :3], atol=1e-3, rtol=1e-3)


def test_a_fitted_model_samples_the_same_once_saved_and_loaded(tmp_path: Path) -> None:
    cells = simulate("simulated-cells", 60, seed=0)
    settings: dict[str, Any] = SMALL | {"steps": 3, "batch_size": 16, "solver_steps": 2}
    vae = VAE(**settings).fit(cells, seed=0)
    assert {"loss_vae", "loss_prior", "reconstruction", "kl"} <= set(vae.history[-1])
    vae.save(tmp_path / "model")
    twin = load(tmp_path / "model")
    assert isinstance(twin, VAE)
    wanted = {cells.classes[0]: 3, cells.classes[-1]: 2}
    assert vae.sample(wanted, seed=1).digest() == twin.sample(wanted, seed=1).digest()
    ends = (cells.classes[0], cells.classes[-1])
    way = vae.interpolate(*ends, steps=4, seed=2)
    assert way.x.dtype == np.uint8
    assert way.labels.tolist() == [ends[0]] * 2 + [ends[1]] * 2
    assert way.digest() == twin.interpolate(*ends, steps=4, seed=2).digest()


@pytest.mark.parametrize(
    ("settings", "said"),
    [({"latent_dim": 32}, "multiple of 49"), ({"guidance": 2.0, "class_dropout": 0.0}, "needs class_dropout")],
)
def test_what_cannot_be_is_refused_in_one_line(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said) as refusal:
        ImageVAEFamily(**settings)
    assert "\n" not in str(refusal.value)
