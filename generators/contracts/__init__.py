"""What every part of a generator promises: `Generator`, `Codec`, `Architecture`, `Family`."""

from cohortsmith.generators.contracts.architecture import NO_CLASS, Architecture, Law, Maker
from cohortsmith.generators.contracts.codec import Codec
from cohortsmith.generators.contracts.generator import STORED, Generator, Schema
from cohortsmith.generators.contracts.objective import (
    SMALL,
    STRAIGHT,
    Family,
    SamplerCallback,
    SamplerStep,
    draw,
    latents,
    make,
)

__all__ = [
    "Architecture",
    "Codec",
    "Family",
    "Generator",
    "Law",
    "Maker",
    "NO_CLASS",
    "SMALL",
    "STORED",
    "STRAIGHT",
    "SamplerCallback",
    "SamplerStep",
    "Schema",
    "draw",
    "latents",
    "make",
]
