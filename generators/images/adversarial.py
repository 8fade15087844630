"""GAN and WGAN on images: settings and losses where they differ from those of other data kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

from cohortsmith.generators.contracts import fake_codes
from cohortsmith.generators.images.diff_augment import DRAWS, augment
from cohortsmith.generators.images.layers import GroupEmbedding
from cohortsmith.generators.objectives import GANFamily, WGANFamily, gradient_penalty, squared_gradient

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor, nn

    from cohortsmith.training import Batch


@dataclass(frozen=True)
class ImageGANFamily(GANFamily):
    """Relativistic GAN with R1 and R2 (R3GAN: Huang et al. 2024, equations 2 to 4) behind augmentation.

    The discriminator decides which image of a pair of one class is real: it minimises E[softplus(D(G(z)) - D(x))], the
    generator E[softplus(D(x) - D(G(z)))] (Jolicoeur-Martineau 2018). Only differences of scores count, so the generator
    gains nothing by concentrating where scores are high: modes are not dropped. The gradient penalties are on real
    (`r1`) and on generated images (`r2`), both as the discriminator sees them.

    Attributes:
        r2: weight of E[|grad D|^2] / 2 on generated images.
        penalty_every: steps between penalties, weighted accordingly (lazy regularisation: Karras et al. 2020).
        mode_seeking: weight of the `shortfall` of a class's spread in the generator's loss.
        augmentation: strength of the discriminator's augmentation; 0 is none, 1 that of Zhao et al. 2020.
    """

    steps: int = 6000
    epochs: int = 0
    minutes: float = 20.0
    validation: float = 0.0
    patience: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-3
    width: int = 64
    depth: int = 1
    instance_noise: float = 0.0
    r1: float = 0.1
    r2: float = 0.1
    penalty_every: int = 4
    mode_seeking: float = 1.0
    augmentation: float = 0.25

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """One move of the discriminator, one of the generator on fresh pairs; logs the scores of real and fake."""
        generator, discriminator = nets["generator"], nets["discriminator"]
        due = batch.step % self.penalty_every == 0
        with torch.no_grad():
            fake = self._shown(fake_codes(generator, batch, self.latent_dim), batch)
        real = self._shown(batch.x, batch)
        halves = [
            (real.requires_grad_(due and self.r1 > 0), self.r1),
            (fake.requires_grad_(due and self.r2 > 0), self.r2),
        ]
        on_real, on_fake = (discriminator(half, batch.y).float() for half, _ in halves)
        loss = relativistic_loss(on_real, on_fake)
        for scores, (half, weight) in zip((on_real, on_fake), halves, strict=True):
            if half.requires_grad:
                loss = loss + 0.5 * weight * self.penalty_every * squared_gradient(scores, half)
        batch.log("d_real", torch.sigmoid(on_real.detach() - on_fake.detach().mean()).mean())
        batch.log("d_fake", torch.sigmoid(on_fake.detach() - on_real.detach().mean()).mean())
        yield "discriminator", loss
        again = batch.another()
        made = fake_codes(generator, again, self.latent_dim)
        with torch.no_grad():
            on_real = discriminator(self._shown(again.x, again), again.y).float()
        loss = relativistic_loss(discriminator(self._shown(made, again), again.y).float(), on_real)
        yield (
            "generator",
            loss + self.mode_seeking * shortfall(made, again.x, class_of(generator, again.y))
            if self.mode_seeking
            else loss,
        )

    def _shown(self, x: Tensor, batch: Batch) -> Tensor:
        return self._blurred(seen(x, batch, self.augmentation), batch)


def relativistic_loss(better: Tensor, worse: Tensor) -> Tensor:
    """E[softplus(worse - better)] over pairs of scores (n, 1): -log of the probability of the right order."""
    return F.softplus(worse - better).mean()


def shortfall(fake: Tensor, real: Tensor, y: Tensor) -> Tensor:
    """How much closer generated images of a class (n, channels, side, side) are to one another than real ones.

    log of the mean distance of pairs of real images of one class, at a quarter of the resolution, over that of
    generated ones; 0 where those are no closer, and where no class has two images in the batch. It is the mode-seeking
    term of Mao et al. 2019 with a bound: it acts on a generator that makes few images per class, and vanishes for one
    as diverse as the patients.
    """
    order = y.argsort()
    one, other = order[:-1][y[order].diff() == 0], order[1:][y[order].diff() == 0]
    if not len(one):
        return fake.new_zeros(())
    small = [F.avg_pool2d(images.float(), 4).flatten(1) for images in (real, fake)]
    apart, near = ((each[one] - each[other]).square().sum(1).add(1e-6).sqrt().mean() for each in small)
    return (apart.log() - near.log()).relu()


@dataclass(frozen=True)
class ImageWGANFamily(WGANFamily):
    """WGAN-GP (Gulrajani et al. 2017, algorithm 1) behind augmentation.

    The penalty is computed in float32, as for all data kinds (`WGANFamily`); since that is the largest cost, only on
    some images of a batch.

    Attributes:
        penalised: share of a batch's images that the penalty is computed on.
        mode_seeking: weight of the `shortfall` of a class's spread in the generator's loss.
        augmentation: strength of the critic's augmentation; 0 is none, 1 that of Zhao et al. 2020.
    """

    steps: int = 3500
    epochs: int = 0
    minutes: float = 20.0
    validation: float = 0.0
    patience: int = 0
    batch_size: int = 64
    learning_rate: float = 1e-3
    width: int = 64
    depth: int = 1
    n_critic: int = 2
    penalised: float = 0.25
    mode_seeking: float = 5.0
    augmentation: float = 0.25

    def losses(self, nets: Mapping[str, nn.Module], batch: Batch) -> Iterator[tuple[str, Tensor]]:
        """`n_critic` moves of the critic on fresh images, one of the generator; logs the Wasserstein estimate."""
        generator, critic = nets["generator"], nets["critic"]
        for move in range(self.n_critic):
            if move:
                batch = batch.another()
            with torch.no_grad():
                fake = seen(fake_codes(generator, batch, self.latent_dim), batch, self.augmentation)
            real, some = seen(batch.x, batch, self.augmentation), max(round(self.penalised * len(batch.y)), 1)
            gap = critic(fake, batch.y).mean() - critic(real, batch.y).mean()
            with torch.autocast(batch.device.type, enabled=False):
                penalty = gradient_penalty(
                    critic, real[:some], fake[:some], batch.y[:some], batch.rand(1)[:some], self.lipschitz
                )
            batch.log("wasserstein", -gap.detach())
            yield "critic", gap + self.gradient_penalty * penalty
        again = batch.another()
        made = fake_codes(generator, again, self.latent_dim)
        loss = -critic(seen(made, again, self.augmentation), again.y).mean()
        yield (
            "generator",
            loss + self.mode_seeking * shortfall(made, again.x, class_of(generator, again.y))
            if self.mode_seeking
            else loss,
        )

    def _shown(self, codes: Tensor, batch: Batch) -> Tensor:
        return seen(codes, batch, self.augmentation)


def class_of(generator: nn.Module, y: Tensor) -> Tensor:
    """Classes (n,) of the groups (n,) that a generator of images is conditioned on."""
    embedding = generator.told
    if not isinstance(embedding, GroupEmbedding):
        raise TypeError("a generator of images is conditioned on groups by GroupEmbedding")
    return embedding.class_of(y)


def seen(x: Tensor, batch: Batch, strength: float) -> Tensor:
    """Images (n, channels, side, side) as an adversary sees them, augmented out of the batch's noise; float32."""
    return augment(x.float(), batch.rand(DRAWS), strength) if strength else x.float()
