"""Texts of an audit: the decision, what each attack knows, and how criteria answer to rules and conventions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cohortsmith.evaluation.privacy import Judged, Outcome, Policy

HEADLINES: dict[Outcome, str] = {
    "pass": "Passed these tests under these attackers",
    "fail": "Failed: not for release in this form",
    "not evaluable": "No decision: too few patients for some of the tests",
}
BLOCKED = "Failed: release blocked"
INCOMPARABLE = "No decision: the holdout is not comparable"
INCOMPARABLE_ADVICE = (
    "The same attacks tell real patients apart of whom none was released: the holdout differs from train (another "
    "centre, platform or batch), and what an attack finds may be that. Draw the holdout at random from the patients of "
    "train, or audit in folds."
)
LOOSENED = "Passed under looser limits than the default"

ADVICE: dict[Outcome, str] = {
    "pass": "Every criterion of the policy is within its limit. Other attackers may know more or use "
    "other methods: this is evidence, not a guarantee.",
    "fail": "At least one criterion is over its limit. Change the generator, train it with differential privacy, or "
    "share under contract with named recipients only, as the institution decides.",
    "not evaluable": "No criterion failed, and for some there are too few patients to tell. That is not a pass: hold "
    "out more patients, or decide by other means.",
}
LOOSENED_ADVICE = (
    "Every criterion is within the limit of this policy, and at least one of these limits lets more pass than the "
    "default. Whoever relies on it needs the reason why: "
)
BLOCKED_ADVICE = (
    "At least one figure is above the limit from which nothing may be shared, under contract or not. Change the "
    "generator, or train it with differential privacy."
)


def headline(judged: Judged) -> str:
    """The decision in a few words."""
    if judged.outcome == "not evaluable" and _incomparable(judged):
        return INCOMPARABLE
    return BLOCKED if judged.blocked else LOOSENED if judged.loosened else HEADLINES[judged.outcome]


def advice(judged: Judged) -> str:
    """What the decision means."""
    if judged.loosened:
        return f"{LOOSENED_ADVICE}{'; '.join(looser_limits(judged.policy))}."
    if judged.outcome == "not evaluable" and _incomparable(judged):
        return INCOMPARABLE_ADVICE
    return BLOCKED_ADVICE if judged.blocked else ADVICE[judged.outcome]


def _incomparable(judged: Judged) -> bool:
    return any(j.criterion.name == "control" and j.outcome != "pass" for j in judged.judgements)


def looser_limits(policy: Policy) -> list[str]:
    """Every limit that lets more pass than the default's, in words."""
    titles = {criterion.name: criterion.title for criterion in policy.criteria}
    return [f"{titles[name]}: {key} {value:g} (default {usual:g})" for name, key, value, usual in policy.laxer()]


KNOWS = (
    "Threat model: every attacker on this page holds the whole synthetic cohort, the whole record of the target "
    "person, "
    "and half of the real patients that the generator never saw, the target not among them. In an audit in folds it "
    "holds the releases of the other folds' generators instead. Attacks on the model itself hold the model folder. An "
    "attacker with less knowledge finds less; one who knows more may find more."
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
        ("worst_attack_auc", "worst_attack_tpr", "white_box", "near_copies"),
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
        "Consensus of 15 experts: Pilgram et al. 2025, Patterns",
        "Are membership and attribute disclosure measured, against people whom the generator never saw?",
        ("worst_attack_auc", "worst_attack_tpr", "inference"),
        "Similarity alone is discouraged there: distances to the nearest record are smoke tests here, and no "
        "criterion rests on them.",
    ),
    (
        "TEHDAS2 guideline D7.2, 2026: synthetic data for health data access bodies",
        "Were the privacy risks of the synthetic data assessed before it leaves the secure environment?",
        ("control", "worst_attack_auc", "singling_out", "linkability", "inference", "artefacts"),
        "Under the European Health Data Space; the assessment is this page, and the decision remains a person's.",
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
