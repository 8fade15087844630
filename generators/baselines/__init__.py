"""Baselines that every family is compared with."""

from cohortsmith.generators.baselines.bootstrap import Bootstrap, Marginals
from cohortsmith.generators.baselines.mvn import MVN
from cohortsmith.generators.baselines.sdv import SDV, SDVCTGAN, SDVTVAE, SDVGaussianCopula
from cohortsmith.generators.baselines.sequences import PWM, GoodTuring, RandomEdits
from cohortsmith.generators.baselines.vlmc import VLMC

__all__ = [
    "Bootstrap",
    "GoodTuring",
    "MVN",
    "Marginals",
    "PWM",
    "RandomEdits",
    "SDV",
    "SDVCTGAN",
    "SDVGaussianCopula",
    "SDVTVAE",
    "VLMC",
]
