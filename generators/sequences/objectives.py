"""GAN, WGAN and VAE on sequences: their settings; losses and samplers are those of other data kinds."""

from __future__ import annotations

from dataclasses import dataclass

from cohortsmith.generators.objectives import GANFamily, VAEFamily, WGANFamily


@dataclass(frozen=True)
class SequenceGANFamily(GANFamily):
    """Non-saturating GAN whose generator draws symbols by the straight-through Gumbel softmax.

    The discriminator sees symbols, so there is no instance noise.
    """

    steps: int = 600
    epochs: int = 0
    validation: float = 0.0
    patience: int = 0
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
    validation: float = 0.0
    patience: int = 0
    batch_size: int = 128
    width: int = 128
    depth: int = 2
    lipschitz: float = 70.0


@dataclass(frozen=True)
class SequenceVAEFamily(VAEFamily):
    """VAE whose decoder gives the probabilities of symbols; the KL term is annealed over half the training."""

    steps: int = 1200
    epochs: int = 0
    validate_every: int = 100
    width: int = 128
    depth: int = 2
    kl_warmup: float = 0.5
