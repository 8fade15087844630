"""VAE on images: a latent that is a map, a flow as its prior, and correlated noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cohortsmith.data import DataError
from cohortsmith.generators.contracts import NO_CLASS, latents
from cohortsmith.generators.images.autoencoder import MAP, ImageLikelihood
from cohortsmith.generators.images.flow_prior import FlowPrior
from cohortsmith.generators.images.networks import ImageNetwork
from cohortsmith.generators.objectives import VAEFamily, likelihood_of, posterior
from cohortsmith.training import adam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cohortsmith.generators.contracts import Architecture
    from cohortsmith.training import Batch

_AT_ONCE = 512
_FITTED_ON = 3000


@dataclass(frozen=True)
class ImageVAEFamily(VAEFamily):
    """Beta-VAE of images whose latent is a map of 7 x 7, with a flow from N(0, I) to the posterior of train as prior.

    Two players: encoder, decoder and likelihood minimise the negative ELBO under N(0, I); the flow learns the current
    latents (Rombach et al. 2022 train one after the other; here both converge together as the learning rate falls).

    Attributes:
        latent_dim: length of the latent, a multiple of 49.
        prior: what samples start from: `fitted`, the flow, or `normal`, N(0, I).
        prior_width, prior_depth: of the flow's network.
        prior_start: share of the steps before the flow begins to learn: the latents change too much until then.
        solver_steps: of the flow's solver.
        class_dropout: share of patients whose class is hidden from the flow in training; guidance needs it.
        guidance: 1 samples the class as learned; above 1 pushes away from the whole population (Ho & Salimans 2022).
    """

    steps: int = 2000
    batch_size: int = 128
    epochs: int = 200
    minutes: float = 20.0
    learning_rate: float = 1.5e-3
    width: int = 64
    depth: int = 2
    validation: float = 0.0
    validate_every: int = 100
    latent_dim: int = 196
    kl_warmup: float = 0.1
    prior_width: int = 128
    prior_depth: int = 6
    prior_start: float = 0.15
    solver_steps: int = 16
    class_dropout: float = 0.1
    guidance: float = 1.5

    def __post_init__(self) -> None:
        """Refuse a latent that is no map, and guidance without class dropout.

        Raises:
            DataError: a length that is no multiple of 49; guidance other than 1 without class_dropout.
        """
        if self.latent_dim % MAP**2:
            raise DataError(
                f"vae: on images latent_dim must be a multiple of {MAP**2} (a map of {MAP} x {MAP}); "
                f"got {self.latent_dim}"
            )
        if self.guidance != 1.0 and not self.class_dropout:
            raise DataError(f"vae: guidance {self.guidance} needs class_dropout above 0; or set guidance to 1")

    def build(self, architecture: Architecture) -> dict[str, nn.Module]:
        """Build encoder, decoder, the likelihood (`law` in saved models), and the flow."""
        if not isinstance(architecture, ImageNetwork):
            raise TypeError("the VAE of images is built from an ImageNetwork")
        return {
            "encoder": architecture.posterior(self.latent_dim),
            "decoder": architecture.decoder(self.latent_dim),
            "law": architecture.likelihood(),
            "prior": FlowPrior(
                architecture,
                self.latent_dim,
                self.prior_width,
                self.prior_depth,
                self.dropout,
                self.solver_steps,
                self.guidance,
            ),
        }

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """One Adam for encoder, decoder and likelihood, one for the flow."""
        return super().players(nets) | {"prior": adam(nets["prior"].parameters())}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move on the negative ELBO, one on the flow's squared error."""
        yield from super().losses(nets, batch)
        if batch.step >= self.prior_start * batch.steps:
            yield "prior", self._flow_loss(nets, batch)

    def _flow_loss(self, nets: Mapping[str, nn.Module], batch: Batch) -> Tensor:
        with torch.no_grad():
            mean, log_variance = posterior(nets, batch.x, batch.y)
        latent = mean + batch.randn(self.latent_dim) * (0.5 * log_variance).exp()
        # Times in the middle, where the velocity is hardest to predict, are drawn more often (Esser et al. 2024).
        times = batch.randn().sigmoid()
        condition = torch.where(batch.rand() < self.class_dropout, NO_CLASS, batch.y)
        return _flow(nets).loss(latent, batch.randn(self.latent_dim), times, condition)

    def starts(self, nets: Mapping[str, nn.Module], y: Tensor, generator: torch.Generator) -> Tensor:
        """Latents N(0, I), which the posterior of train is near to: many from the flow would take minutes."""
        return latents(y, self.latent_dim, generator)

    @torch.no_grad()
    def finish(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor) -> None:
        """Fit the spectrum of the noise to the residuals of train, or of a few thousand evenly spaced patients."""
        likelihood = likelihood_of(nets)
        if not isinstance(likelihood, ImageLikelihood):
            raise TypeError("the likelihood of an image is an ImageLikelihood")
        picked = slice(None, None, max(len(x) // _FITTED_ON, 1))
        generator = torch.Generator().manual_seed(0)
        likelihood.fit(
            (self._seen(nets, images, labels, generator), images)
            for images, labels in zip(torch.split(x[picked], _AT_ONCE), torch.split(y[picked], _AT_ONCE), strict=True)
        )

    def between(self, nets: Mapping[str, nn.Module], noise: Tensor, ends: Tensor, share: Tensor) -> Tensor:
        """Latents from noise on the great circle between two noise vectors, by a flow interpolated between two classes.

        The mean of two latent maps is a double exposure; the flow maps any noise to a latent of a patient.
        """
        if self.prior == "normal":
            return super().between(nets, noise, ends, share)
        angle = share * (math.pi / 2)
        circle = noise[:1] * angle.cos() + noise[1:] * angle.sin()
        return _flow(nets).between(circle, ends, share)

    def _seen(self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        mean, log_variance = posterior(nets, x, y)
        seen: Tensor = nets["decoder"](mean + latents(y, self.latent_dim, generator) * (0.5 * log_variance).exp(), y)
        return seen


def _flow(nets: Mapping[str, nn.Module]) -> FlowPrior:
    prior = nets["prior"]
    if not isinstance(prior, FlowPrior):
        raise TypeError("the prior of an image VAE is a flow")
    return prior
