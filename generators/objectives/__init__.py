"""Losses and samplers of the families, one file each: GAN, WGAN, VAE, diffusion, masked diffusion."""

from cohortsmith.generators.objectives.diffusion import DiffusionFamily
from cohortsmith.generators.objectives.gan import GANFamily, discriminator_loss, jensen_shannon, squared_gradient
from cohortsmith.generators.objectives.masked_diffusion import MaskedDiffusionFamily
from cohortsmith.generators.objectives.vae import VAEFamily, likelihood_of, posterior
from cohortsmith.generators.objectives.wgan import WGANFamily, gradient_penalty

__all__ = [
    "DiffusionFamily",
    "GANFamily",
    "MaskedDiffusionFamily",
    "VAEFamily",
    "WGANFamily",
    "discriminator_loss",
    "gradient_penalty",
    "jensen_shannon",
    "likelihood_of",
    "posterior",
    "squared_gradient",
]
