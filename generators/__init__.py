"""Generators: four families and the baselines they are measured against, behind one `fit` and `sample`."""

from generators.base import Generator
from generators.copies import Bootstrap, Marginals
from generators.duel import discriminate
from generators.gaussian import MVN
from generators.neural import GAN, VAE, WGAN, Diffusion
from generators.registry import FAMILIES, make_generator
from generators.sdv import SDV
from generators.storage import load

__all__ = [
    "FAMILIES",
    "GAN",
    "MVN",
    "SDV",
    "VAE",
    "WGAN",
    "Bootstrap",
    "Diffusion",
    "Generator",
    "Marginals",
    "discriminate",
    "load",
    "make_generator",
]
