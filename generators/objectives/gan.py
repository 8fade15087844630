"""GAN: a generator against a discriminator (Goodfellow et al. 2014), class-conditional."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch.nn import functional as F

from cohortsmith.generators.contracts import (
    NO_EARLY_STOP,
    SMALL_NETWORKS,
    Family,
    fake_codes,
    frozen_noise,
    generated_codes,
)
from cohortsmith.generators.objectives.energy_score import energy_score
from cohortsmith.generators.objectives.latent_search import generator_target, inversion
from cohortsmith.training import adam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from cohortsmith.generators.contracts import Architecture, SamplerCallback
    from cohortsmith.training import Batch


_PRIVATE_MOVES = 5
_BLURS = 16  # draws of instance noise, the same for every patient


@dataclass(frozen=True)
class GANFamily(Family):
    """Non-saturating GAN with a gradient penalty on real patients.

    The discriminator maximises E[log D(x)] + E[log(1 - D(G(z)))]; the generator maximises E[log D(G(z))] (the
    non-saturating form, Goodfellow et al. 2014, section 3). R1 (Mescheder et al. 2018, equation 9) keeps the game
    locally convergent. At the best discriminator the loss is log 4 - 2 JS(real || generated), so the loss gives a lower
    bound of the Jensen-Shannon divergence, logged as `js` (nats).

    Attributes:
        latent_dim: length of the generator's noise.
        r1: weight of E[|grad D|^2] / 2 on real patients.
        instance_noise: standard deviation of noise on all that the discriminator sees, real and generated. It
            prevents memorisation of a few patients, and distributions that agree under noise agree without it
            (Arjovsky & Bottou 2017, section 3).
        discriminator_rate: the discriminator's learning rate over the generator's.
        dp_weight_clip: largest weight of a private discriminator. Clipping keeps it smooth (Arjovsky et al. 2017,
            algorithm 1) in place of gradient penalties, which would need second derivatives for each patient.
    """

    steps: int = 1200
    epochs: int = 150
    validation: float = 0.1
    patience: int = 8
    latent_dim: int = 64
    r1: float = 10.0
    instance_noise: float = 0.7
    discriminator_rate: float = 1.0
    dp_weight_clip: float = 0.1

    name: ClassVar[str] = "gan"
    private_defaults: ClassVar[dict[str, Any]] = NO_EARLY_STOP | SMALL_NETWORKS | {"steps": 200, "r1": 0.0}
    blind: ClassVar[frozenset[str]] = frozenset({"generator"})

    def build(self, architecture: Architecture) -> dict[str, nn.Module]:
        """Build a generator and a discriminator, both conditioned on the class."""
        return {"generator": architecture.generator_net(self.latent_dim), "discriminator": architecture.encoder(1)}

    def sampling(self) -> tuple[str, ...]:
        """The generator."""
        return ("generator",)

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """Adam without momentum for both."""
        return {
            "discriminator": adam(
                nets["discriminator"].parameters(), betas=(0.0, 0.99), lr_scale=self.discriminator_rate
            ),
            "generator": adam(nets["generator"].parameters(), betas=(0.0, 0.99)),
        }

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move of the discriminator, one of the generator; D's mean scores and the JS estimate are logged."""
        generator, discriminator = nets["generator"], nets["discriminator"]
        real = self._blurred(batch.x, batch).requires_grad_(self.r1 > 0)
        with torch.no_grad():
            fake = self._blurred(fake_codes(generator, batch, self.latent_dim), batch)
        on_real, on_fake = discriminator(real, batch.y).float(), discriminator(fake, batch.y).float()
        loss = discriminator_loss(on_real, on_fake)
        batch.log("d_real", torch.sigmoid(on_real.detach()).mean())
        batch.log("d_fake", torch.sigmoid(on_fake.detach()).mean())
        batch.log("js", jensen_shannon(loss.detach()))
        yield "discriminator", loss + 0.5 * self.r1 * squared_gradient(on_real, real) if self.r1 else loss
        again = batch.another()
        fake = self._blurred(fake_codes(generator, again, self.latent_dim), again)
        yield "generator", F.softplus(-discriminator(fake, again.y).float()).mean()

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Energy score of generated codes on held-out ones: adversarial losses do not show when to stop."""
        return energy_score(lambda groups, noise: self.sample(nets, groups, noise), x, y, generator)

    def private_moves(self, step: int, steps: int) -> tuple[str, ...]:
        """Several moves of the discriminator, which noise slows down (Bie et al. 2023), one of the generator."""
        return ("discriminator",) * _PRIVATE_MOVES + ("generator",)

    def private_loss(self, nets: Mapping[str, nn.Module], batch: Batch, player: str) -> Tensor:
        """The discriminator's loss on one patient and one generated; the generator's loss, which sees no patient."""
        generator, discriminator = nets["generator"], nets["discriminator"]
        fake = self._shown(fake_codes(generator, batch, self.latent_dim), batch)
        on_fake = discriminator(fake, batch.y).float()
        if player == "generator":
            return F.softplus(-on_fake).mean()
        return discriminator_loss(discriminator(self._shown(batch.x, batch), batch.y).float(), on_fake)

    @torch.no_grad()
    def private_moved(self, nets: Mapping[str, nn.Module], player: str) -> None:
        """Clip the discriminator's weights."""
        if player == "discriminator":
            clip_weights(nets[player], self.dp_weight_clip)

    def private_refusal(self) -> str:
        """Gradient penalties are not private."""
        return "r1 must be 0: dp_weight_clip replaces it" if self.r1 else ""

    def _shown(self, codes: Tensor, batch: Batch) -> Tensor:
        return self._blurred(codes, batch)

    def _blurred(self, codes: Tensor, batch: Batch) -> Tensor:
        return codes + self.instance_noise * batch.randn(*codes.shape[1:]) if self.instance_noise else codes

    def sample(
        self,
        nets: Mapping[str, nn.Module],
        y: Tensor,
        generator: torch.Generator,
        callback: SamplerCallback | None = None,
    ) -> Tensor:
        """Codes of classes y (n,): the generator applied to fresh noise."""
        return generated_codes(nets["generator"], y, self.latent_dim, generator)

    def evidence(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The discriminator's logit, plain and under its own noise (LOGAN: Hayes et al. 2019), and `inversion`."""
        found = inversion(generator_target(nets["generator"], self.latent_dim), x, y, generator)
        if discriminator := nets.get("discriminator"):
            found["discriminator"] = discriminator(x, y).float()[:, 0]
            if self.instance_noise:
                seen = [x + self.instance_noise * noise for noise in frozen_noise(x, _BLURS, generator)]
                found["discriminator_blurred"] = torch.stack([discriminator(one, y)[:, 0] for one in seen]).mean(0)
        return found


def clip_weights(net: nn.Module, limit: float) -> None:
    """Clip weights to [-limit, limit]."""
    for weight in net.parameters():
        weight.clamp_(-limit, limit)


def discriminator_loss(on_real: Tensor, on_fake: Tensor) -> Tensor:
    """-E[log D(x)] - E[log(1 - D(G(z)))] from logits (n, 1)."""
    return F.softplus(-on_real).mean() + F.softplus(on_fake).mean()


def jensen_shannon(loss: Tensor) -> Tensor:
    """JS divergence in nats that a discriminator's loss implies: (log 4 - loss) / 2, 0 at D = 1/2."""
    return (math.log(4.0) - loss) / 2


def squared_gradient(scores: Tensor, x: Tensor) -> Tensor:
    """Mean squared norm of the gradient of scores (n, 1) by their inputs x (n, ...)."""
    (gradient,) = torch.autograd.grad(scores.sum(), x, create_graph=True)
    return gradient.float().square().flatten(1).sum(1).mean()
