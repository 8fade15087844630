"""VAE: an encoder and a decoder that bound the likelihood from below (Kingma & Welling 2014), class-conditional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from cohortsmith.generators.contracts import (
    NO_EARLY_STOP,
    SMALL_NETWORKS,
    Family,
    Likelihood,
    frozen_noise,
    latents,
)
from cohortsmith.generators.objectives.latent_search import Target, inversion
from cohortsmith.training import adam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cohortsmith.generators.contracts import Architecture, SamplerCallback
    from cohortsmith.training import Batch

_EVIDENCE_VALUES = 4096  # draws around a patient's posterior mean times values of a code
_LEAST_DRAWS, _MOST_DRAWS = 2, 16


@dataclass(frozen=True)
class VAEFamily(Family):
    """Beta-VAE whose samples are drawn from the decoder's likelihood.

    Minimises reconstruction + beta * KL, the negative ELBO at beta 1 (Higgins et al. 2017); both terms are logged, in
    nats per patient. The likelihood is the data kind's (`Architecture.likelihood`); without drawing from it synthetic
    patients would be averages, with too small a spread, or all wild type.

    Attributes:
        latent_dim: length of the latent.
        beta: weight of the KL term.
        kl_warmup: share of the steps over which beta rises from zero.
        prior: what samples start from: `fitted`, a Gaussian per class fitted to train's posterior (aggregate posterior:
            Tomczak & Welling 2018), or `normal`, N(0, I).
    """

    steps: int = 4000
    epochs: int = 100
    validation: float = 0.1
    patience: int = 8
    latent_dim: int = 32
    beta: float = 1.0
    kl_warmup: float = 0.2
    prior: Literal["fitted", "normal"] = "fitted"

    name: ClassVar[str] = "vae"
    private_defaults: ClassVar[dict[str, Any]] = NO_EARLY_STOP | SMALL_NETWORKS | {"steps": 600, "prior": "normal"}
    multiplicity: ClassVar[int] = 4

    def build(self, architecture: Architecture) -> dict[str, nn.Module]:
        """Build encoder, decoder, the likelihood (`law` in saved models), and the prior that `finish` fits."""
        return {
            "encoder": architecture.posterior(self.latent_dim),
            "decoder": architecture.decoder(self.latent_dim),
            "law": architecture.likelihood(),
            "prior": _ClassGaussian(architecture.classes, self.latent_dim),
        }

    def sampling(self) -> tuple[str, ...]:
        """Decoder and likelihood, and the prior where it is fitted."""
        return ("decoder", "law", "prior") if self.prior == "fitted" else ("decoder", "law")

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One Adam for encoder, decoder and likelihood."""
        return {"vae": adam([w for name in ("encoder", "decoder", "law") for w in nets[name].parameters()])}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move on the negative ELBO."""
        reconstruction, kl = self._terms(nets, batch.x, batch.y, batch.randn(self.latent_dim))
        batch.log("reconstruction", reconstruction.detach())
        batch.log("kl", kl.detach())
        rise = max(self.kl_warmup * batch.steps, 1.0)
        yield "vae", reconstruction + self.beta * min(1.0, (batch.step + 1) / rise) * kl

    def private_refusal(self) -> str:
        """The fitted prior is fitted to patients without noise."""
        return "prior must be normal: fitting it would use the patients once more" if self.prior == "fitted" else ""

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Negative ELBO on held-out codes, with beta at its full value."""
        reconstruction, kl = self._terms(nets, x, y, latents(y, self.latent_dim, generator))
        return reconstruction + self.beta * kl

    @torch.no_grad()
    def finish(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor) -> None:
        """Fit the class-conditional prior to the posterior of train."""
        mean, log_variance = posterior(nets, x, y)
        prior = nets["prior"]
        if not isinstance(prior, _ClassGaussian):
            raise TypeError("the prior of a VAE is a Gaussian per class")
        prior.fit(mean, log_variance.exp(), y)

    def sample(
        self,
        nets: Mapping[str, nn.Module],
        y: Tensor,
        generator: torch.Generator,
        callback: SamplerCallback | None = None,
    ) -> Tensor:
        """Codes of classes y (n,): prior, decoder, noise."""
        return self.decode(nets, self.drawn(nets, y, generator), y, generator)

    def drawn(self, nets: Mapping[str, nn.Module], y: Tensor, generator: torch.Generator) -> Tensor:
        """Latents (n, latent_dim) of classes y (n,) from the prior."""
        latent = latents(y, self.latent_dim, generator)
        if self.prior == "fitted":
            latent = nets["prior"](latent, y)
        return latent

    def starts(self, nets: Mapping[str, nn.Module], y: Tensor, generator: torch.Generator) -> Tensor:
        """Latents (n, latent_dim) of classes y (n,) that `evidence` starts from."""
        return self.drawn(nets, y, generator)

    def evidence(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """ELBO and its two terms where there is an encoder; in any case `inversion` through the decoder.

        The KL term counts with its own sign: an encoder that has learned patients by heart spends more nats on them.
        """
        law, decoder = likelihood_of(nets), nets["decoder"]

        def cost(latent: Tensor, uniform: Tensor | None, x: Tensor, y: Tensor) -> Tensor:
            return law.nlls(decoder(latent, y).float(), x, y) + 0.5 * latent.square().sum(1)

        target = Target(
            draw=lambda y, generator: (self.starts(nets, y, generator), None),
            make=lambda latent, uniform, y: law.mean(decoder(latent, y).float()),
            cost=cost,
        )
        found = inversion(target, x, y, generator)
        if "encoder" in nets:
            mean, log_variance = posterior(nets, x, y)
            draws = int(min(max(_EVIDENCE_VALUES // x[0].numel(), _LEAST_DRAWS), _MOST_DRAWS))
            terms = [
                law.nlls(decoder(mean + noise * (0.5 * log_variance).exp(), y).float(), x, y)
                for noise in frozen_noise(mean, draws, generator)
            ]
            reconstruction, kl = torch.stack(terms).mean(0), kls_to_normal(mean, log_variance)
            found |= {"elbo": -(reconstruction + kl), "reconstruction": -reconstruction, "kl": kl}
        return found

    def decode(self, nets: Mapping[str, nn.Module], latent: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """Codes of latents (n, latent_dim) and classes (n,), drawn from the likelihood."""
        return likelihood_of(nets).sample(nets["decoder"](latent, y), y, generator)

    def interpolate(
        self, nets: Mapping[str, nn.Module], first: int, last: int, steps: int, generator: torch.Generator
    ) -> Tensor:
        """Mean codes (steps, ...) along the line between one synthetic patient of each of two classes.

        Both the latents and the decoder's outputs for the two classes are interpolated: the ends are of those classes.
        """
        ends = torch.tensor([first, last])
        share = torch.linspace(0, 1, steps)[:, None]
        between = self.between(nets, latents(ends, self.latent_dim, generator), ends, share)
        likelihood = likelihood_of(nets)
        start = likelihood.mean(nets["decoder"](between, ends[:1].expand(steps)))
        end = likelihood.mean(nets["decoder"](between, ends[1:].expand(steps)))
        return torch.lerp(start, end, share.reshape(-1, *[1] * (start.ndim - 1)))

    def between(self, nets: Mapping[str, nn.Module], noise: Tensor, ends: Tensor, share: Tensor) -> Tensor:
        """Latents (steps, latent_dim) on the line between those of two classes (2,), from noise (2, latent_dim).

        Args:
            nets: networks by name.
            noise: of the two ends.
            ends: their classes.
            share: position of each step between the ends (steps, 1), from 0 to 1.
        """
        latent = nets["prior"](noise, ends) if self.prior == "fitted" else noise
        return torch.lerp(latent[:1], latent[1:], share)

    def _terms(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = posterior(nets, x, y)
        decoded = nets["decoder"](mean + noise * (0.5 * log_variance).exp(), y).float()
        return likelihood_of(nets).nll(decoded, x, y), kl_to_normal(mean, log_variance)


def posterior(nets: Mapping[str, nn.Module], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log variances, both (n, latent_dim), that the encoder gives codes x (n, ...) of classes y (n,)."""
    mean, log_variance = nets["encoder"](x, y).float().chunk(2, dim=1)
    return mean, log_variance.clamp(-12, 6)


def likelihood_of(nets: Mapping[str, nn.Module]) -> Likelihood:
    """The likelihood among a VAE's networks."""
    likelihood = nets["law"]
    if not isinstance(likelihood, Likelihood):
        raise TypeError("`law` among the networks of a VAE must be a Likelihood")
    return likelihood


def kls_to_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, diag exp(log_variance)) || N(0, I)) of each patient (n,), in nats (Kingma & Welling, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def kl_to_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """The same, averaged over patients."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean()


class _ClassGaussian(nn.Module):
    """A Gaussian per class over latents; N(0, I) until it is fitted."""

    mean: Tensor
    root: Tensor

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(classes, dim))
        self.register_buffer("root", torch.eye(dim).repeat(classes, 1, 1))

    def fit(self, mean: Tensor, variance: Tensor, y: Tensor) -> None:
        """Moments of each class's mixture of posteriors (n, dim); covariances shrunk to their mean over classes."""
        dim = mean.shape[1]
        covariances = []
        for label in range(len(self.mean)):
            own = mean[y == label]
            if not len(own):
                covariances.append(torch.eye(dim))
                continue
            self.mean[label] = own.mean(0)
            centred = own - own.mean(0)
            covariances.append(centred.T @ centred / len(own) + torch.diag(variance[y == label].mean(0)))
        counts = torch.bincount(y, minlength=len(self.mean)).float()
        pooled = sum(c * m for c, m in zip(counts, covariances, strict=True)) / counts.sum()
        for label, covariance in enumerate(covariances):
            trust = counts[label] / (counts[label] + dim)
            self.root[label] = torch.linalg.cholesky(trust * covariance + (1 - trust) * pooled + 1e-6 * torch.eye(dim))

    def forward(self, noise: Tensor, y: Tensor) -> Tensor:
        return self.mean[y] + (self.root[y] @ noise[:, :, None])[:, :, 0]
