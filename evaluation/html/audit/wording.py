"""Texts of an audit: the decision, what each attack knows, and how criteria answer to rules and conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cohortsmith.evaluation.privacy import Outcome

HEADLINES: dict[Outcome, str] = {
    "pass": "Passed these tests under these attackers",
    "fail": "Failed: not for release in this form",
    "not evaluable": "No decision: too few patients for some of the tests",
}
BLOCKED = "Failed: release blocked"

ADVICE: dict[Outcome, str] = {
    "pass": "Every criterion of the policy is within its limit. Other attackers may know more or use "
    "other methods: this is evidence, not a guarantee.",
    "fail": "At least one criterion is over its limit. Change the generator, train it with differential privacy, or "
    "share under contract with named recipients only, as the institution decides.",
    "not evaluable": "No criterion failed, and for some there are too few patients to tell. That is not a pass: hold "
    "out more patients, or decide by other means.",
}
BLOCKED_ADVICE = (
    "At least one figure is above the limit from which nothing may be shared, under contract or not. Change the "
    "generator, or train it with differential privacy."
)

ATTACKERS: dict[str, str] = {
    "gan_leaks": "scores a person by the distance to the nearest virtual patient (Chen et al. 2020)",
    "gan_leaks_calibrated": "calibrates that distance by the distance to other real patients (Chen et al. 2020)",
    "monte_carlo": "counts the virtual patients within a radius around a person (Hilprecht et al. 2019)",
    "domias": "compares the densities of virtual and of other real patients at a record (van Breugel et al. 2023)",
    "logan": "trains a classifier of virtual against other real patients and scores a person by it (Hayes et al. 2019)",
    "shadow": "fits the same generator many times, with and without a person, to learn what either looks like (Carlini "
    "et al. 2022)",
}
KNOWS = (
    "Threat model: every attacker on this page holds the whole synthetic cohort, the whole record of the target "
    "person, "
    "and half of the real patients that the generator never saw, the target not among them. An attacker with less "
    "knowledge finds less; one with access to the model itself, or who knows the other targets, may find more."
)

RULES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "WP29 opinion 05/2014 (WP 216): singling out",
        "Can a person's record be isolated?",
        ("singling_out", "exact_copies"),
        "Predicates that fit exactly one training patient, and copies, each against unseen patients.",
    ),
    (
        "WP29 opinion 05/2014: linkability",
        "Can two records of a person be linked?",
        ("linkability",),
        "Two halves of a record are linked through the synthetic cohort.",
    ),
    (
        "WP29 opinion 05/2014: inference",
        "Can an attribute be deduced with significant probability?",
        ("inference", "worst_attack_auc"),
        "What is deduced about training patients beyond the general population; membership in the training "
        "data is itself such an attribute.",
    ),
    (
        "ICO: motivated intruder",
        "Would someone with the means and the will, but no prior knowledge, succeed?",
        ("worst_attack_auc", "worst_attack_tpr", "near_copies"),
        "The attackers here know more than that intruder: the record itself. What could be learned by asking around "
        "is not tested.",
    ),
    (
        "0.09 convention: EMA Policy 0070, Health Canada",
        "Is the probability to be identified at most one in eleven?",
        ("singling_out", "linkability", "inference"),
        "Made for records of real people; applied here to the risks of synthetic data, upper end of the interval.",
    ),
    (
        "NIST SP 800-226: differential privacy",
        "Which guarantee holds against every attacker?",
        (),
        "Attacks give a lower bound on the leakage, never a guarantee. Only training with differential privacy gives "
        "an "
        "upper one; its epsilon, delta and unit of privacy stand in the model card.",
    ),
)
