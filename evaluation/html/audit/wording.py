"""Words of an audit: the decision, what each attacker knows, and how criteria answer to rules and conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cohortsmith.evaluation.privacy import Outcome

HEADLINES: dict[Outcome, str] = {
    "pass": "Passed these tests under these attackers",
    "fail": "Failed: not to be shared as it is",
    "not evaluable": "No decision: too few patients for some of the tests",
}
BLOCKED = "Failed: must not be shared"

ADVICE: dict[Outcome, str] = {
    "pass": "Every criterion of the policy is within its limit. Other attackers may know more or try otherwise: "
    "this is evidence, no guarantee.",
    "fail": "At least one criterion is over its limit. Change the generator, train it with differential privacy, or "
    "share under contract with named receivers only, as the house decides.",
    "not evaluable": "No criterion failed, and for some there are too few patients to tell. That is no pass: set more "
    "patients aside, or decide by other means.",
}
BLOCKED_ADVICE = (
    "At least one figure is above the limit from which nothing may be shared, under contract or not. Change the "
    "generator, or train it with differential privacy."
)

ATTACKERS: dict[str, str] = {
    "gan_leaks": "holds the synthetic cohort; takes for a training patient who is near to a synthetic one (Chen et al. "
    "2020)",
    "gan_leaks_calibrated": "knows besides how near other real patients usually come (Chen et al. 2020)",
    "monte_carlo": "counts the synthetic patients around a person (Hilprecht et al. 2019)",
    "domias": "compares how dense synthetic and other real patients lie around a person (van Breugel et al. 2023)",
    "logan": "trains a classifier of synthetic against other real patients and asks it about a person (Hayes et al. "
    "2019)",
    "shadow": "fits the same generator again and again, with and without a person, to learn what either looks like "
    "(Carlini et al. 2022)",
}
KNOWS = (
    "Every attacker on this page holds the whole synthetic cohort, the whole record of the person he asks about, and "
    "half of the real patients that the generator never saw, never that person among them. Who holds less finds less; "
    "who holds the model itself, or knows who else was asked, may find more."
)

RULES: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "WP29 opinion 05/2014 (WP 216): singling out",
        "Can a person's record be isolated?",
        ("singling_out", "exact_copies"),
        "Predicates that fit one training patient, and copies, each against unseen patients.",
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
        "What is deduced about training patients beyond what it deduces about anybody; that someone was in the "
        "training data is itself such an attribute.",
    ),
    (
        "ICO: motivated intruder",
        "Would someone with the means and the will, but no prior knowledge, succeed?",
        ("worst_attack_auc", "worst_attack_tpr", "near_copies"),
        "The attackers here know more than that intruder: the record itself. What he could ask around for is not "
        "tested.",
    ),
    (
        "0.09 convention: EMA Policy 0070, Health Canada",
        "Is the probability to be identified at most one in eleven?",
        ("singling_out", "linkability", "inference"),
        "Made for records of people; carried over to the risks of synthetic ones, upper end of the interval.",
    ),
    (
        "NIST SP 800-226: differential privacy",
        "Which guarantee holds against every attacker?",
        (),
        "Attacks give a lower bound of what leaks, never a guarantee. Only training with differential privacy gives an "
        "upper one; its epsilon, delta and unit of privacy stand in the model card.",
    ),
)
