"""The VAE's two terms, its prior, its noise, and the way between two patients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import LogisticRegression
from torch.distributions import Normal, kl_divergence

from cohortsmith.data import Cohort, DataError
from cohortsmith.generators import VAE
from cohortsmith.generators.networks.residual_mlp import ResidualMLP, gaussian_nlls
from cohortsmith.generators.objectives.vae import VAEFamily, kl_to_normal

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL: dict[str, Any] = {"latent_dim": 4, "width": 16, "depth": 1}


def draws(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_kl_against_torch_distributions_and_monte_carlo() -> None:
    mean, log_variance = draws(5, 3, seed=1), draws(5, 3, seed=2)
    posterior, prior = Normal(mean, (0.5 * log_variance).exp()), Normal(0.0, 1.0)
    exact = kl_divergence(posterior, prior).sum(1).mean().item()
    assert kl_to_normal(mean, log_variance).item() == pytest.approx(exact, rel=1e-5)
    z = mean + (0.5 * log_variance).exp() * draws(40_000, 5, 3)
    ratio: torch.Tensor = posterior.log_prob(z) - prior.log_prob(z)  # type: ignore[no-untyped-call]
    sampled = ratio.sum(2).mean().item()
    assert kl_to_normal(mean, log_variance).item() == pytest.approx(sampled, rel=0.03)
    assert kl_to_normal(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0


def test_reconstruction_against_scipy() -> None:
    x, mean, log_spread = draws(6, 4), draws(6, 4, seed=1), 0.5 * draws(6, 4, seed=2)
    exact = -np.asarray(stats.norm.logpdf(x, mean, log_spread.exp())).sum(axis=1).mean()
    constant = 4 * 0.5 * math.log(2 * math.pi)
    assert gaussian_nlls(x, mean, log_spread).mean().item() == pytest.approx(exact - constant, rel=1e-5)


def test_the_loss_is_reconstruction_and_beta_times_kl_that_rises(stub_batch: Callable[..., Any]) -> None:
    family = VAEFamily(beta=3.0, kl_warmup=0.5, **SMALL)
    nets: Any = family.build(ResidualMLP(3, 2, 16, 1))
    x, y = draws(10, 3), torch.arange(10) % 2
    for step, weight in ((0, 1 / 50), (24, 0.5), (49, 1.0), (99, 1.0)):
        batch = stub_batch(x, y, step=step, steps=100)
        ((player, loss),) = family.losses(nets, batch)
        assert player == "vae"
        (reconstruction,), (kl,) = batch.logged["reconstruction"], batch.logged["kl"]
        assert loss.item() == pytest.approx(reconstruction + 3.0 * weight * kl, rel=1e-5)
        mean, log_variance = nets["encoder"](x, y).chunk(2, dim=1)
        decoded = nets["decoder"](mean + batch.drawn[0] * (0.5 * log_variance).exp(), y)
        assert kl == pytest.approx(kl_to_normal(mean, log_variance).item(), rel=1e-5)
        assert reconstruction == pytest.approx(
            gaussian_nlls(x, decoded, nets["law"]._log_spread(y)).mean().item(), rel=1e-5
        )


def test_the_fitted_prior_has_the_moments_of_each_classs_posteriors() -> None:
    prior: Any = VAEFamily(**SMALL).build(ResidualMLP(3, 3, 16, 1))["prior"]
    noise = draws(200_000, 4)
    torch.testing.assert_close(prior(noise, torch.zeros(200_000, dtype=torch.int64)), noise)
    n = 4000
    y = torch.arange(2 * n) % 2  # no patient of the third class
    root = draws(2, 4, 4, seed=1)
    mean = 3.0 * y[:, None] + (root[y] @ draws(2 * n, 4, 1, seed=2))[:, :, 0]
    variance = draws(2 * n, 4, seed=3).exp()
    prior.fit(mean, variance, y)
    for label in (0, 1):
        own = mean[y == label].double().numpy()
        expected = np.cov(own.T, bias=True) + np.diag(variance[y == label].double().numpy().mean(0))
        sampled = prior(noise, torch.full((200_000,), label)).double().numpy()
        np.testing.assert_allclose(sampled.mean(0), own.mean(0), atol=0.05)
        np.testing.assert_allclose(np.cov(sampled.T), expected, rtol=0.05, atol=0.15)
    assert torch.isfinite(prior(noise[:10], torch.full((10,), 2))).all()


def test_the_prior_of_a_tiny_class_borrows_from_the_others() -> None:
    prior: Any = VAEFamily(**SMALL).build(ResidualMLP(3, 2, 16, 1))["prior"]
    y = torch.tensor([0] * 400 + [1] * 2)
    mean = draws(402, 4)
    prior.fit(mean, torch.full((402, 4), 1e-6), y)
    # Two patients span a line; a class's law must not be that line.
    spread = prior(draws(5000, 4, seed=1), torch.ones(5000, dtype=torch.int64)).numpy()
    assert np.linalg.eigvalsh(np.cov(spread.T)).min() > 0.2


def test_samples_carry_the_decoders_noise() -> None:
    family = VAEFamily(prior="normal", **SMALL)
    nets: Any = family.build(ResidualMLP(3, 2, 16, 1))
    with torch.no_grad():
        for weight in nets["decoder"].leave.parameters():
            weight.zero_()
        nets["law"].common.copy_(torch.tensor([-1.0, 0.0, 0.5]))
        nets["law"].own[1] = -0.5
        y = torch.arange(20_000) % 2
        codes = family.sample(nets, y, torch.Generator().manual_seed(0))
    for label, shift in ((0, 0.0), (1, -0.5)):
        expected = np.exp(np.array([-1.0, 0.0, 0.5]) + shift)
        np.testing.assert_allclose(codes[y == label].std(0), expected, rtol=0.05)


def test_interpolation_starts_in_one_class_and_ends_in_the_other(correlated: Cohort) -> None:
    vae = VAE(steps=200, width=64, depth=2, batch_size=128, validation=0.0).fit(correlated, seed=0)
    judge = LogisticRegression(max_iter=500).fit(correlated.x, correlated.y)
    ways = [vae.interpolate("class-B", "class-A", steps=5, seed=seed) for seed in range(40)]
    chance_of_b = np.mean([judge.predict_proba(way.x)[:, 1] for way in ways], axis=0)
    assert (np.diff(chance_of_b) < 0).all(), "the way leads from class B to class A"
    assert chance_of_b[0] > 0.65
    assert chance_of_b[-1] < 0.35
    assert ways[0].labels.tolist() == ["class-B"] * 3 + ["class-A"] * 2
    assert ways[0].digest() == vae.interpolate("class-B", "class-A", steps=5, seed=0).digest()
    # Neighbouring steps lie close: no step is a patient drawn anew.
    steps = np.array([np.linalg.norm(np.diff(way.x, axis=0), axis=1) for way in ways])
    whole = np.array([np.linalg.norm(way.x[-1] - way.x[0]) for way in ways])
    assert (steps.max(axis=1) < 0.75 * whole).mean() > 0.8
    with pytest.raises(DataError, match="at least 2 steps"):
        vae.interpolate("class-A", "class-B", steps=1)
    with pytest.raises(DataError, match="unknown class"):
        vae.interpolate("class-A", "class-X")


@torch.no_grad()
def test_evidence_is_the_elbo_patient_by_patient_under_one_noise() -> None:
    family = VAEFamily(**SMALL)
    nets: Any = family.build(ResidualMLP(3, 2, 16, 1))
    x, y = draws(4, 3), torch.arange(4) % 2
    found = family.evidence(nets, x, y, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    torch.randint(2**31, (1,), generator=generator)  # the inversion's
    drawn = [torch.randn((1, 4), generator=generator) for _ in range(8)]
    noises = [sign * noise for noise in drawn for sign in (1, -1)]
    for row in range(4):
        mean, log_variance = nets["encoder"](x[[row]], y[[row]]).chunk(2, dim=1)
        spread = (0.5 * log_variance).exp()
        seen = [nets["decoder"](mean + spread * noise, y[[row]]) for noise in noises]
        terms = [nets["law"].nll(decoded, x[[row]], y[[row]]) for decoded in seen]
        kl = kl_to_normal(mean, log_variance).item()
        reconstruction = torch.stack(terms).mean().item()
        assert found["reconstruction"][row].item() == pytest.approx(-reconstruction, rel=1e-4)
        assert found["kl"][row].item() == pytest.approx(kl, rel=1e-4)
        assert found["elbo"][row].item() == pytest.approx(-reconstruction - kl, rel=1e-4)
