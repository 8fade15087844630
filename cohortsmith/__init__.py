"""Synthetic patient cohorts: generators, evaluation, privacy audit and classifiers.

The names below are the public face. Each is imported when it is first used, so that ``import cohortsmith`` is quick and
does not load torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cohortsmith.data import Cohort, DataError, named_sets, read_cohort, simulate, split, write_cohort
    from cohortsmith.evaluation import METRICS, Comparison, evaluate
    from cohortsmith.evaluation.html import write_report
    from cohortsmith.evaluation.privacy import audit
    from cohortsmith.generators import (
        FAMILIES,
        GAN,
        MVN,
        VAE,
        WGAN,
        Bootstrap,
        Copula,
        Diffusion,
        Generator,
        Marginals,
        load,
        make_generator,
    )
    from cohortsmith.ssl_models import Classifier, Fusion
    from cohortsmith.training import Runtime, TrainingError

_NAMES = {
    "data": "Cohort DataError named_sets read_cohort simulate split write_cohort",
    "evaluation": "METRICS Comparison evaluate",
    "evaluation.html": "write_report",
    "evaluation.privacy": "audit",
    "generators": "FAMILIES GAN MVN VAE WGAN Bootstrap Copula Diffusion Generator Marginals load make_generator",
    "ssl_models": "Classifier Fusion",
    "training": "Runtime TrainingError",
}
_HOME = {name: f"cohortsmith.{package}" for package, names in _NAMES.items() for name in names.split()}

__all__ = [
    "FAMILIES",
    "GAN",
    "METRICS",
    "MVN",
    "VAE",
    "WGAN",
    "Bootstrap",
    "Classifier",
    "Cohort",
    "Comparison",
    "Copula",
    "DataError",
    "Diffusion",
    "Fusion",
    "Generator",
    "Marginals",
    "Runtime",
    "TrainingError",
    "audit",
    "evaluate",
    "load",
    "make_generator",
    "named_sets",
    "read_cohort",
    "simulate",
    "split",
    "write_cohort",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'cohortsmith' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
