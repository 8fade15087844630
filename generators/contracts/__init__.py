"""The interfaces of a generator and its parts: `Generator`, `Codec`, `Architecture`, `Family`."""

from cohortsmith.generators.contracts.architecture import NO_CLASS, Architecture, GeneratorNet, Likelihood
from cohortsmith.generators.contracts.codec import Codec, Interpolating
from cohortsmith.generators.contracts.generator import STORED, Generator, Schema
from cohortsmith.generators.contracts.objective import (
    NO_EARLY_STOP,
    SMALL_NETWORKS,
    Family,
    SamplerCallback,
    SamplerStep,
    fake_codes,
    frozen_noise,
    generated_codes,
    latents,
)

__all__ = [
    "Architecture",
    "Codec",
    "Family",
    "Generator",
    "Interpolating",
    "Likelihood",
    "GeneratorNet",
    "NO_CLASS",
    "SMALL_NETWORKS",
    "STORED",
    "NO_EARLY_STOP",
    "SamplerCallback",
    "SamplerStep",
    "Schema",
    "fake_codes",
    "frozen_noise",
    "generated_codes",
    "latents",
]
