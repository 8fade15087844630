"""`METHODS`: every membership attack, what it is called, what it does and where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cohortsmith.evaluation.metrics.common import domias
from cohortsmith.evaluation.privacy.attacks.classifiers import boosted_with_class, logan
from cohortsmith.evaluation.privacy.attacks.densities import (
    class_gaussian,
    covariance,
    covariance_within,
    local_ratio,
)
from cohortsmith.evaluation.privacy.attacks.distance import class_nearest, matching_values, monte_carlo, nearness
from cohortsmith.evaluation.privacy.attacks.linked_donor import linked_donor
from cohortsmith.evaluation.privacy.attacks.presence import allele_frequencies, kinship

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from cohortsmith.evaluation.privacy.attacks.records import Likeness, Records

    Score = Callable[[Records, Records, Records], NDArray[np.float64]]


@dataclass(frozen=True)
class Method:
    """A membership attack: higher scores for patients who were more likely in train.

    Attributes:
        name: in tables and files.
        title: in pages.
        does: one sentence on how it works.
        source: paper.
        likeness: fitted to records, how much targets are like these; the score is the likeness to the synthetic cohort
            minus, with `uses_known`, that to the known patients.
        score: called with targets, synthetic cohort and known patients, where the score is no such difference.
        uses_known: it is calibrated by real patients whom the generator never saw.
        several_views: it may see a target in several views, of which the largest score counts.
        presence_only: it needs profiles of presence, 0 or 1.
    """

    name: str
    title: str
    does: str
    source: str
    likeness: Callable[[Records], Likeness] | None = None
    score: Score | None = None
    uses_known: bool = True
    several_views: bool = False
    presence_only: bool = False

    def scored(self, targets: Records, synthetic: Records, known: Records) -> NDArray[np.float64]:
        """Scores of targets, (n,), of an attack that is no difference of likenesses."""
        if self.score is None:
            raise TypeError(f"{self.name} is a difference of likenesses")
        return self.score(targets, synthetic, known)


METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        Method(
            "gan_leaks",
            "GAN-Leaks",
            "The nearer the nearest synthetic patient, the likelier a member.",
            "Chen et al. 2020, CCS, eq. 5",
            likeness=nearness,
            uses_known=False,
            several_views=True,
        ),
        Method(
            "gan_leaks_calibrated",
            "GAN-Leaks, calibrated",
            "The same minus the distance to the nearest known outsider.",
            "Chen et al. 2020, CCS, eq. 9",
            likeness=nearness,
            several_views=True,
        ),
        Method(
            "domias",
            "DOMIAS",
            "Local overfitting: the synthetic density over that of known outsiders, by kernel estimates.",
            "van Breugel et al. 2023, AISTATS, eq. 2",
            score=lambda targets, synthetic, known: domias(targets.x, synthetic.x, known.x),
        ),
        Method(
            "monte_carlo",
            "Monte Carlo",
            "The more synthetic patients within a small distance, the likelier a member.",
            "Hilprecht et al. 2019, PoPETs, eq. 4",
            score=monte_carlo,
            uses_known=False,
        ),
        Method(
            "logan",
            "LOGAN",
            "A classifier that tells synthetic from known real patients takes members for synthetic.",
            "Hayes et al. 2019, PoPETs, section 4.3",
            score=logan,
        ),
        Method(
            "boosted",
            "Boosted classifier with the class",
            "The same with single columns and the class among its features.",
            "Hayes et al. 2019, PoPETs, section 4.3",
            score=boosted_with_class,
        ),
        Method(
            "covariance",
            "Covariance",
            "Directions in which the release varies are those in which its training patients differ: Mahalanobis "
            "distance to known outsiders over that to the release.",
            "Mahalanobis distances with a ridge, as in the CAMDA challenge on bulk RNA-seq",
            likeness=covariance,
        ),
        Method(
            "covariance_within",
            "Covariance within classes",
            "The same about the mean of each class.",
            "As the covariance attack",
            likeness=covariance_within,
        ),
        Method(
            "class_gaussian",
            "Gaussian of the class",
            "Means and covariances of a class favour the few patients they are learned from: likelihood ratio to known "
            "outsiders.",
            "Likelihood ratio of Gaussians with Ledoit-Wolf covariances",
            score=class_gaussian,
        ),
        Method(
            "class_nearest",
            "Nearest in the class, whitened",
            "Distance to the nearest known outsider over that to the nearest synthetic patient of the class, after the "
            "variation within classes is whitened.",
            "Chen et al. 2020, CCS, eq. 9, in another space",
            score=class_nearest,
        ),
        Method(
            "local_ratio",
            "Gen-LRA",
            "The nearest synthetic patients are likelier if the target is added to the known outsiders.",
            "Ward et al. 2025, Gen-LRA",
            score=local_ratio,
        ),
        Method(
            "matching_values",
            "Shared rare values",
            "One synthetic patient shares several values with the target that few others have.",
            "After the rarity-weighted matching of Narayanan and Shmatikov 2008, IEEE S&P",
            score=matching_values,
            uses_known=False,
        ),
        Method(
            "allele_frequencies",
            "Allele frequencies",
            "The target is likelier at the release's frequencies of edits than at those of known outsiders.",
            "Sankararaman et al. 2009, Nature Genetics 41:965; Homer et al. 2008, PLoS Genetics 4:e1000167",
            score=allele_frequencies,
            presence_only=True,
        ),
        Method(
            "kinship",
            "Kinship",
            "One synthetic sequence shares more edits with the target, above all rare ones, than any known outsider.",
            "Kinship by allele frequencies, Yang et al. 2011, Am. J. Hum. Genet. 88:76",
            score=kinship,
            presence_only=True,
        ),
        Method(
            "linked_donor",
            "Linked donor",
            "The attacker holds one sample of a patient and looks only at synthetic patients of other classes.",
            "As the covariance attack within classes",
            score=linked_donor,
        ),
    )
}

OTHERS = {
    "combined": ("All attacks combined", "Logistic regression on the ranks of all attacks' scores, fitted to other "
                 "patients than it scores."),
    "shadow": ("Shadow models", "The same generator, fitted many times with and without each patient."),
    "refitted": ("Refitted model", "The same generator is fitted to the release, and asked for its loss on a patient."),
    "white_box": ("The model itself", "What the saved model tells about a patient: its loss, or its density."),
}  # fmt: skip
"""Attacks that are not a function of released and known records: title, and how they work."""


def title_of_attack(name: str) -> str:
    """Title of an attack by its name."""
    return METHODS[name].title if name in METHODS else OTHERS.get(name, (name, ""))[0]


def what_it_does(name: str) -> str:
    """One sentence on an attack by its name, "" if it is unknown."""
    return METHODS[name].does if name in METHODS else OTHERS.get(name, ("", ""))[1]
