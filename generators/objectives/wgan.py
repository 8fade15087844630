"""WGAN: a critic that measures the Wasserstein distance (Arjovsky et al. 2017), with a gradient penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from cohortsmith.generators.contracts import NO_EARLY_STOP, SMALL_NETWORKS, Family, fake_codes, generated_codes
from cohortsmith.generators.objectives.energy_score import energy_score
from cohortsmith.generators.objectives.gan import clip_weights
from cohortsmith.generators.objectives.latent_search import generator_target, inversion
from cohortsmith.training import adam

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from cohortsmith.generators.contracts import Architecture, SamplerCallback
    from cohortsmith.training import Batch


@dataclass(frozen=True)
class WGANFamily(Family):
    """WGAN-GP (Gulrajani et al. 2017, algorithm 1), class-conditional.

    Attributes:
        latent_dim: length of the generator's noise.
        n_critic: moves of the critic for one of the generator.
        gradient_penalty: weight of (|grad f| / lipschitz - 1)^2 between real and generated patients.
        lipschitz: norm that the penalty draws the critic's gradient towards; 1 in the paper. Where a code has thousands
            of entries of which a patient has a few, the gradient has components along all of them and must be larger.
        dp_weight_clip: largest weight of a private critic, in the penalty's place (Arjovsky et al. 2017, algorithm 1).
    """

    steps: int = 400
    epochs: int = 150
    validation: float = 0.1
    patience: int = 8
    latent_dim: int = 64
    n_critic: int = 3
    gradient_penalty: float = 10.0
    lipschitz: float = 1.0
    dp_weight_clip: float = 0.1

    name: ClassVar[str] = "wgan"
    private_defaults: ClassVar[dict[str, Any]] = (
        NO_EARLY_STOP
        | SMALL_NETWORKS
        | {
            "steps": 200,
            "n_critic": 5,
            "gradient_penalty": 0.0,
        }
    )
    blind: ClassVar[frozenset[str]] = frozenset({"generator"})

    def build(self, architecture: Architecture) -> dict[str, nn.Module]:
        """Build a generator and a critic, both conditioned on the class; no batch norm: the penalty is per patient."""
        return {"generator": architecture.generator_net(self.latent_dim), "critic": architecture.encoder(1)}

    def sampling(self) -> tuple[str, ...]:
        """The generator."""
        return ("generator",)

    def players(self, nets: Mapping[str, nn.Module]) -> dict[str, torch.optim.Optimizer]:
        """Adam with betas 0 and 0.9 for both, as in the paper."""
        return {name: adam(nets[name].parameters(), betas=(0.0, 0.9)) for name in ("critic", "generator")}

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """`n_critic` moves of the critic on fresh patients, one of the generator; logs the Wasserstein estimate."""
        generator, critic = nets["generator"], nets["critic"]
        for move in range(self.n_critic):
            if move:
                batch = batch.another()
            with torch.no_grad():
                fake = fake_codes(generator, batch, self.latent_dim).float()
            # The penalty differentiates twice; bfloat16 has too few digits for that.
            with torch.autocast(batch.device.type, enabled=False):
                gap = critic(fake, batch.y).mean() - critic(batch.x, batch.y).mean()
                penalty = gradient_penalty(critic, batch.x, fake, batch.y, batch.rand(1), self.lipschitz)
            batch.log("wasserstein", -gap.detach())
            yield "critic", gap + self.gradient_penalty * penalty
        again = batch.another()
        yield "generator", -critic(fake_codes(generator, again, self.latent_dim), again.y).float().mean()

    def validation_loss(
        self, nets: Mapping[str, nn.Module], x: Tensor, y: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Energy score of generated codes on held-out ones: adversarial losses do not show when to stop."""
        return energy_score(lambda groups, noise: self.sample(nets, groups, noise), x, y, generator)

    def private_moves(self, step: int, steps: int) -> tuple[str, ...]:
        """`n_critic` moves of the critic, one of the generator."""
        return ("critic",) * self.n_critic + ("generator",)

    def private_loss(self, nets: Mapping[str, nn.Module], batch: Batch, player: str) -> Tensor:
        """The critic's gap between one generated and the patient; the generator's loss, which sees no patient."""
        critic = nets["critic"]
        on_fake = (
            critic(self._shown(fake_codes(nets["generator"], batch, self.latent_dim), batch), batch.y).float().mean()
        )
        if player == "generator":
            loss: Tensor = -on_fake
            return loss
        gap: Tensor = on_fake - critic(self._shown(batch.x, batch), batch.y).float().mean()
        return gap

    @torch.no_grad()
    def private_moved(self, nets: Mapping[str, nn.Module], player: str) -> None:
        """Clip the critic's weights."""
        if player == "critic":
            clip_weights(nets[player], self.dp_weight_clip)

    def private_refusal(self) -> str:
        """The gradient penalty is not private."""
        return "gradient_penalty must be 0: dp_weight_clip replaces it" if self.gradient_penalty else ""

    def _shown(self, codes: Tensor, batch: Batch) -> Tensor:
        return codes

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
        """The critic's score (LOGAN: Hayes et al. 2019), and `inversion`."""
        found = inversion(generator_target(nets["generator"], self.latent_dim), x, y, generator)
        if critic := nets.get("critic"):
            found["critic"] = critic(x, y).float()[:, 0]
        return found


def gradient_penalty(
    critic: nn.Module, real: Tensor, fake: Tensor, y: Tensor, share: Tensor, lipschitz: float = 1.0
) -> Tensor:
    """E[(|grad f(x)| / lipschitz - 1)^2] at points between real and fake (n, ...), a share (n, 1) along: equation 3."""
    share = share.reshape(-1, *[1] * (real.ndim - 1))
    between = torch.lerp(real, fake, share).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between, y).sum(), between, create_graph=True)
    excess: Tensor = gradient.flatten(1).norm(dim=1) / lipschitz - 1
    return excess.square().mean()
