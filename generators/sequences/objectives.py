"""The continuous families' settings for sequences; their losses and samplers are those of every data kind."""

from __future__ import annotations

from dataclasses import dataclass

from cohortsmith.generators.objectives import GANFamily, VAEFamily, WGANFamily


@dataclass(frozen=True)
class SequenceGANFamily(GANFamily):
    """Non-saturating GAN whose generator draws symbols by the straight-through Gumbel softmax.

    The discriminator sees symbols, so there is no noise to blur them with.
    """

    steps: int = 600
    epochs: int = 0
    batch_size: int = 128
    width: int = 128
    depth: int = 2
    instance_noise: float = 0.0
    r1: float = 0.001


@dataclass(frozen=True)
class SequenceWGANFamily(WGANFamily):
    """WGAN-GP whose generator draws symbols by the straight-through Gumbel softmax."""

    steps: int = 300
    epochs: int = 0
    batch_size: int = 128
    width: int = 128
    depth: int = 2
    lipschitz: float = 70.0


@dataclass(frozen=True)
class SequenceVAEFamily(VAEFamily):
    """VAE whose decoder gives each column's symbols their probabilities; the KL term is annealed over half the run."""

    steps: int = 1200
    width: int = 128
    depth: int = 2
    kl_warmup: float = 0.5
