"""`audit`: all attacks on a synthetic cohort, judged by the policy of an institution, in one call."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.core import Interval, NotEvaluable, jsonable
from cohortsmith.evaluation.privacy.attribute_disclosure import disclosure
from cohortsmith.evaluation.privacy.comparability import differences
from cohortsmith.evaluation.privacy.criteria import AttackResults, figures, measured
from cohortsmith.evaluation.privacy.folds import likenesses, pooled_risks, score_folds, score_released
from cohortsmith.evaluation.privacy.membership_attacks import Above, allowing_for, attacks, groups_left_out, worst
from cohortsmith.evaluation.privacy.near_copies import copy_pairs
from cohortsmith.evaluation.privacy.policy import DEFAULT, Judged, Judgement, judge
from cohortsmith.evaluation.privacy.power import Leak, smallest_leak
from cohortsmith.evaluation.privacy.preconditions import require_apart, require_enough
from cohortsmith.evaluation.privacy.risks import risks
from cohortsmith.evaluation.privacy.scoring import WHITE_BOX, scored
from cohortsmith.evaluation.privacy.statements import statements
from cohortsmith.evaluation.spaces import Comparison

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import ImageModels
    from cohortsmith.evaluation.privacy.artefacts import ArtefactFinding
    from cohortsmith.evaluation.privacy.folds import Folds, Likenesses
    from cohortsmith.evaluation.privacy.membership_attacks import Attack
    from cohortsmith.evaluation.privacy.near_copies import CopyPairs
    from cohortsmith.evaluation.privacy.policy import Policy
    from cohortsmith.evaluation.privacy.scoring import Evidence


@dataclass(frozen=True, eq=False)
class Audit(Judged):
    """Result of a privacy audit: cohorts, figures of all attacks, and the judgement by the policy.

    Attributes:
        comparison: the cohorts.
        seed: of every random draw.
        found: results of the attacks.
        reasons: why some could not be carried out, by part.
        artefacts: findings of the artefact scan, None if no files were scanned.
        notes: to be read first.
        folds: number of generators of an audit in folds, 0 for one generator.
        released: results of the attacks on what is released itself, where the others are of folds or of more rows.
    """

    comparison: Comparison
    seed: int
    found: AttackResults
    reasons: dict[str, str]
    artefacts: tuple[ArtefactFinding, ...] | None
    notes: tuple[str, ...] = ()
    folds: int = 0
    released: AttackResults | None = None

    @property
    def comparable(self) -> bool:
        """Whether the holdout is comparable: no attack tells real patients apart who were not released."""
        return all(j.outcome == "pass" for j in self.judgements if j.criterion.name == "control")

    @property
    def hard_stops(self) -> tuple[str, ...]:
        """Criteria that failed and that no policy lifts, nor --force: in words."""
        failed = (j for j in self.judgements if j.criterion.hard and j.outcome == "fail")
        notes = ((j, f" ({j.measured.note})" if j.measured.note else "") for j in failed)
        return tuple(f"{j.criterion.title.lower()}: {j.words}{note}" for j, note in notes)

    @property
    def first_lines(self) -> tuple[str, ...]:
        """What stands first under the decision: the holdout, leaks that are not excluded, groups too small to judge."""
        control = [j.words for j in self.judgements if j.criterion.name == "control" and j.outcome != "pass"]
        said = (*control, *statements(self.found, self.policy, len(self.comparison.holdout)))
        return tuple(f"{words[:1].upper()}{words[1:]}" for words in said)

    @property
    def worst(self) -> Attack | None:
        """The attack with the largest AUC, None if none could be carried out."""
        return worst(self.found.attacks) if self.found.attacks else None

    def power(self, group: str = "all") -> Leak | None:
        """Minimum detectable leak in a group at 80 % power, None if it was not attacked."""
        sizes = [(a.n_members, a.n_non_members) for a in self.found.attacks if a.group == group]
        return smallest_leak(*sizes[0]) if sizes else None

    def to_json(self) -> dict[str, Any]:
        """All results as plain values; equal for the same cohorts, policy and seed."""
        sides = {name: getattr(self.comparison, name) for name in ("train", "holdout", "synthetic")}
        groups = list(dict.fromkeys(attack.group for attack in self.found.attacks))
        whole = {
            "decision": self.outcome,
            "blocked": self.blocked,
            "criteria": [judgement.to_json() for judgement in self.judgements],
            "policy": self.policy.to_json(),
            "notes": list(self.notes),
            "first_lines": list(self.first_lines),
            "comparable": self.comparable,
            "folds": self.folds,
            "worst_attack": _attack(self.worst) if self.worst else None,
            "power": {group: leak._asdict() for group in groups if (leak := self.power(group))},
            "attacks": [_attack(attack) for attack in self.found.attacks],
            "attacks_on_released": [_attack(attack) for attack in self.released.attacks] if self.released else [],
            "groups_left_out": self.found.left_out,
            "risks": {name: _named(risk) for name, risk in self.found.risks.items()},
            "disclosure": [_named(each) for each in self.found.disclosures],
            "figures": [estimate.to_json() for estimate in self.found.figures],
            "copy_pairs": [pairs.to_json() for pairs in self.found.pairs],
            "artefacts": None
            if self.artefacts is None
            else [{"what": f.what, "where": f.where, "severity": f.severity} for f in self.artefacts],
            "not_evaluable": self.reasons,
            "sizes": {name: len(cohort) for name, cohort in sides.items()},
            "digests": {name: cohort.digest() for name, cohort in sides.items()},
            "seed": self.seed,
        }
        plain: dict[str, Any] = jsonable(whole)
        return plain


def audit(
    train: Cohort,
    holdout: Cohort,
    synthetic: Cohort,
    *,
    seed: int = 0,
    image_models: ImageModels | None = None,
    policy: Policy = DEFAULT,
    shadow: Attack | None = None,
    artefacts: Sequence[ArtefactFinding] | None = None,
    more: Cohort | None = None,
    evidence: Evidence | None = None,
    folds: Folds | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
) -> Audit:
    """Attack a synthetic cohort and judge the results.

    Args:
        train: real samples the generator was fitted on.
        holdout: real samples unseen by it.
        synthetic: samples drawn from it.
        seed: of every random draw; the same seed gives the same audit.
        image_models: for images, the feature extractors.
        policy: limits to judge by.
        shadow: result of `shadow_attack`, judged with the others.
        artefacts: findings of the scan of model and sample files; None without files, and then without judgement.
        more: what the membership attacks hold beside `synthetic`, as that and further rows of the same model: the model
            is judged, not one file of it; and the file by itself, which those rows would thin out.
        evidence: what a model tells about each row of train, (n,), and of the holdout, by attack ("white_box" of the
            saved model, "refitted" of one fitted to the release) and what it was asked; higher for members. See
            `Generator.membership_evidence`.
        folds: generators fitted without one fold each, see `fit_folds`; membership and risks are measured on them, and
            on the released cohort as well: a leak that is proven in it fails, whatever the folds say.
        on_progress: called before each part with its name, how many are done and how many there are.

    Raises:
        DataError: cohorts that are not comparable, a holdout that overlaps train, or too few patients to attack.
    """
    comparison = Comparison(train, holdout, synthetic, image_models=image_models)
    note = check(comparison, in_folds=folds is not None)
    drawn = comparison if more is None else Comparison(train, holdout, more, image_models=image_models)
    tables = likenesses(folds) if folds else None
    apart = [folds.comparison(fold) for fold in range(len(folds.made))] if folds else []
    measures: dict[str, Callable[[], Any]] = {
        "membership": lambda: _membership(drawn, seed, evidence, shadow, folds, tables),
        "risks": lambda: pooled_risks([risks(fold, seed) for fold in apart]) if apart else risks(comparison, seed),
        "disclosure": lambda: disclosure(comparison, seed),
        "copies": lambda: figures(comparison, seed),
        "pairs": lambda: _pairs(comparison, seed),
    }
    if folds or more is not None:
        measures["membership of the release"] = lambda: _membership_of_released(comparison, drawn, seed, folds, tables)
    if folds:
        measures["risks of the release"] = lambda: risks(comparison, seed)
    results: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for done, (part, measure) in enumerate(measures.items()):
        if on_progress:
            on_progress(part, done, len(measures))
        try:
            results[part] = measure()
        except NotEvaluable as reason:
            reasons[part] = str(reason)
    known, left_out = results.get("membership", ([shadow] if shadow else [], {}))
    found = AttackResults(
        tuple(known),
        left_out,
        results.get("risks", {}),
        tuple(results.get("disclosure", ())),
        results.get("copies", ()),
        results.get("pairs", ()),
        differences(comparison) if folds is None else "",
        policy["control"].limit,
    )
    released = None
    if folds or more is not None:
        released = AttackResults(
            tuple(results.get("membership of the release", ())),
            {},
            results.get("risks of the release", {}),
            (),
            (),
            (),
            control=policy["control"].limit,
        )
    scanned = None if artefacts is None else tuple(artefacts)
    judged = []
    for criterion in policy.criteria:
        if criterion.name == "artefacts" and scanned is None:
            continue
        if criterion.name == "control" and folds:  # drawn at random from one cohort
            continue
        if criterion.name == "white_box" and not any(attack.name == WHITE_BOX for attack in found.attacks):
            continue
        of_folds = judge(criterion, measured(criterion, found, reasons, scanned, len(comparison.holdout)))
        judged.append(_with_released(of_folds, released, len(comparison.holdout)) if released else of_folds)
    notes = (note,) if note else ()
    return Audit(policy, tuple(judged), comparison, seed, found, reasons, scanned, notes, len(apart), released)


def _with_released(of_folds: Judgement, released: AttackResults, n_holdout: int) -> Judgement:
    """The judgement in folds or of more rows, unless what is released fails by itself, and by more.

    A small holdout alone decides nothing: where the release does not fail by itself, the folds decide.
    """
    criterion = of_folds.criterion
    if criterion.name not in _OF_RELEASED:
        return of_folds
    found = measured(criterion, released, {}, None, n_holdout)
    note = "; ".join(text for text in (found.note, "in what is released itself") if text)
    own = judge(criterion, replace(found, note=note))
    if own.outcome != "fail" or (of_folds.outcome == "fail" and _size(of_folds) >= _size(own)):
        return of_folds
    return own


def _size(judgement: Judgement) -> tuple[bool, float]:
    return judgement.blocked, judgement.measured.value or 0.0


_OF_RELEASED = ("worst_attack_auc", "worst_attack_tpr", "singling_out", "linkability", "inference")


def _membership_of_released(
    comparison: Comparison,
    drawn: Comparison,
    seed: int,
    folds: Folds | None,
    tables: Sequence[Likenesses] | None,
) -> list[Attack]:
    """Attacks on the released file itself, which further rows of its model would thin out.

    In folds also those that the folds calibrate, of the file and of all rows of the model.
    """
    c = comparison
    share = len(c.train) / (len(c.train) + len(c.holdout))
    of_folds = (drawn,) if folds and drawn is not comparison else ()
    parts = []
    for each in (c, *of_folds):
        if folds:
            parts.append([score_released(folds, each.synthetic, len(each.train), tables)])
        with suppress(NotEvaluable):  # a small holdout: the folds are there for that
            parts.append([scored(each, seed)])
    looks = [len(part[0].scores) for part in parts]
    return [
        attack
        for part, own in zip(parts, looks, strict=True)
        for attack in attacks(part, seed, share=share, independent=sum(looks) - own)
    ]


def _membership(
    comparison: Comparison,
    seed: int,
    evidence: Evidence | None,
    shadow: Attack | None,
    folds: Folds | None,
    tables: Sequence[Likenesses] | None,
) -> tuple[list[Attack], dict[str, str]]:
    """All attacks, and the groups that are too small."""
    parts = score_folds(folds, tables) if folds else [scored(comparison, seed, evidence)]
    share = len(comparison.train) / (len(comparison.train) + len(comparison.holdout))
    found = attacks(parts, seed, share=share, independent=int(shadow is not None))
    if folds and evidence:
        found += attacks([scored(comparison, seed, evidence, models_only=True)], seed, share=share)
    if shadow:
        found.append(replace(shadow, joint=allowing_for(shadow.auc, len(found) + 1), compared=len(found) + 1))
    return found, groups_left_out(parts)


def check(comparison: Comparison, *, in_folds: bool = False) -> str:
    """Check the preconditions; return a note about records in both train and holdout, "" if there are none.

    Args:
        comparison: the cohorts.
        in_folds: the audit is carried out in folds, which count the patients of both.

    Raises:
        DataError: a holdout that overlaps train, or too few patients to attack.
    """
    require_enough(comparison, in_folds=in_folds)
    return require_apart(comparison)


def _pairs(comparison: Comparison, seed: int) -> tuple[CopyPairs, ...]:
    return copy_pairs(comparison, seed) if comparison.train.about.pictured else ()


def _attack(attack: Attack) -> dict[str, Any]:
    """Plain dict of an attack; TPRs are keyed by their false-positive rate."""
    rates = {f"{rate:g}": rate_found._asdict() for rate, rate_found in attack.tpr.items()}
    curve = {name: [round(float(v), 5) for v in side] for name, side in zip(("fpr", "tpr"), attack.roc, strict=True)}
    return _named(attack) | {"tpr": rates, "roc": curve}


def _named(value: Any) -> dict[str, Any]:
    """Fields of a result by name, its intervals as value, low and high."""
    parts = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: part._asdict() if isinstance(part, Interval | Above) else part for name, part in parts.items()}
