"""Generators: four families and the baselines they are measured against, behind one `fit` and `sample`."""

from cohortsmith.generators.analysis import discriminate
from cohortsmith.generators.baselines import MVN, SDV, Bootstrap, Marginals
from cohortsmith.generators.contracts import Generator
from cohortsmith.generators.copula import Copula
from cohortsmith.generators.diffusion import Diffusion
from cohortsmith.generators.gan import GAN
from cohortsmith.generators.loading import load
from cohortsmith.generators.registry import FAMILIES, make_generator
from cohortsmith.generators.vae import VAE
from cohortsmith.generators.wgan import WGAN

__all__ = [
    "Bootstrap",
    "Copula",
    "Diffusion",
    "FAMILIES",
    "GAN",
    "Generator",
    "MVN",
    "Marginals",
    "SDV",
    "VAE",
    "WGAN",
    "discriminate",
    "load",
    "make_generator",
]
