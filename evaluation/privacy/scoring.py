"""Scores of every attack in every space on the targets of a comparison, and of the same attacks in the control."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cohortsmith.evaluation.privacy.attack_settings import ASKED_STREAM, COMBINED_STREAM
from cohortsmith.evaluation.privacy.attacks import METHODS, MIN_FITTED, Records, combined
from cohortsmith.evaluation.privacy.looks import Scores, by_patient
from cohortsmith.evaluation.privacy.targets import LINKED, attack_split

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cohortsmith.evaluation.privacy.attacks import Likeness, Method
    from cohortsmith.evaluation.privacy.targets import AttackSplit
    from cohortsmith.evaluation.spaces import Comparison, Space

    Floats = NDArray[np.float64]
    Sides = tuple[Floats, Floats]
    Halves = NDArray[np.int64]

Evidence: TypeAlias = "dict[tuple[str, str], tuple[NDArray[np.float64], NDArray[np.float64]]]"
"""What a model tells about rows of train and of the holdout, by attack and by what it was asked."""

COMBINED = "combined"
WHITE_BOX, REFITTED = "white_box", "refitted"
MODELS = (WHITE_BOX, REFITTED)
_ALONE = ("linked_donor", *MODELS)  # not among the scores that are combined


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of the attacks on the targets of one generator.

    Attributes:
        split: who is attacked.
        patients: numbers of the patients of members, (m,), and of non-members, (n,); different people, different
            numbers.
        scores: by attack and space, of members, (m,), and of non-members, (n,).
        control: the same with one half of train released; scores of all members, of whom `split.kept` count.
        halves: half, 0 or 1, of each patient by number, if the combination was fitted to each half for the other.
    """

    split: AttackSplit
    patients: tuple[NDArray[np.int64], NDArray[np.int64]]
    scores: dict[tuple[str, str], Sides] = field(default_factory=dict)
    control: dict[tuple[str, str], Sides] = field(default_factory=dict)
    halves: Halves | None = None

    def parts_of(self, key: tuple[str, str], group: str, *, control: bool = False) -> list[Scores]:
        """Scores that may be ranked against each other: of a combination, each half of the targets has its own."""
        whole = self.of(key, group, control=control)
        if key[0] != COMBINED or self.halves is None:
            return [whole]
        sides = []
        for part in (0, 1):
            mine, theirs = (self.halves[numbers] == part for numbers in (whole.member_ids, whole.non_member_ids))
            if min(mine.sum(), theirs.sum()) < 2:
                return [whole]
            sides.append(
                Scores(
                    whole.members[mine], whole.non_members[theirs], whole.member_ids[mine], whole.non_member_ids[theirs]
                )
            )
        return sides

    def of(self, key: tuple[str, str], group: str, *, control: bool = False) -> Scores:
        """Scores of an attack on a group, by patient."""
        inside, out = self.split.groups[group]
        table = self.control if control else self.scores
        inside = inside & self.split.kept if control else inside
        inside, out = inside & np.isfinite(table[key][0]), out & np.isfinite(table[key][1])  # a model is asked of some
        members, member_ids = by_patient(table[key][0][inside], self.patients[0][inside])
        others, other_ids = by_patient(table[key][1][out], self.patients[1][out])
        return Scores(members, others, member_ids, other_ids)

    def people(self, group: str) -> tuple[int, int]:
        """Patients of a group among members and non-members."""
        inside, out = self.split.groups[group]
        return len(np.unique(self.patients[0][inside])), len(np.unique(self.patients[1][out]))


def scored(comparison: Comparison, seed: int, evidence: Evidence | None = None, *, models_only: bool = False) -> Scored:
    """Scores of every attack of `METHODS` in every space of the data kind, of their combination, and of the model.

    Args:
        comparison: train, holdout and the released or drawn synthetic cohort.
        seed: of the targets and of every draw.
        evidence: what a model tells about each row of train and of the holdout, by attack ("white_box" of the model
            itself, "refitted" of one fitted to the release) and what it was asked; higher for members.
        models_only: leave the attacks on the samples out.

    Raises:
        NotEvaluable: as `attack_split`.
    """
    split = attack_split(comparison, seed)
    numbers = _numbers(comparison, split)
    half = np.random.default_rng([seed, COMBINED_STREAM]).integers(0, 2, int(np.concatenate(numbers).max()) + 1)
    result = Scored(split, numbers, halves=half if len(numbers[1]) >= MIN_FITTED else None)
    for space in () if models_only else comparison.view.membership_spaces():
        _score_space(comparison, space, result)
    for table in (result.scores, result.control):
        chosen = [sides for (name, _), sides in table.items() if name not in _ALONE]
        if chosen:
            table[COMBINED, ""] = _combine(comparison, chosen, result, half)
    for key, (inside, out) in (evidence or {}).items():
        raw = inside[split.members], out[split.non_members]
        result.scores[key] = _class_centred(comparison, raw, split)
    return result


def asked_rows(
    comparison: Comparison, seed: int, most: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of train and of the holdout that are attacked, the first `most` of each side in a random order."""
    split = attack_split(comparison, seed)
    rng = np.random.default_rng([seed, ASKED_STREAM])
    members, others = (rng.permutation(rows)[:most] for rows in (split.members, split.non_members))
    return members, others


def applies(method: Method, space: Space, *, presence: bool) -> bool:
    """Whether an attack is carried out in a space."""
    if method.presence_only and not presence:
        return False
    return method.several_views or not (space.views or space.by_distance_only)


def _score_space(c: Comparison, space: Space, result: Scored) -> None:
    split = result.split

    def records(side: str, rows: NDArray[np.int64], attacked: bool) -> Records:
        y: NDArray[np.int64] = getattr(c, side).y[rows]
        x = space.see(side, rows, attacked)
        return Records(x, np.tile(y, len(x) // max(len(y), 1)))

    made = records("synthetic", split.synthetic, False)
    released = {"scores": made, "control": records("train", split.released, False)}
    known = [records("holdout", rows, False) for rows in split.known]
    turns = [(split.member_round == turn, split.non_member_round == turn) for turn in (0, 1)]
    pairs = [
        (records("train", split.members[ours], True), records("holdout", split.non_members[theirs], True))
        for ours, theirs in turns
    ]
    targets = [Records(np.concatenate([a.x, b.x]), np.concatenate([a.y, b.y])) for a, b in pairs]
    likenesses: dict[tuple[object, str], list[Floats]] = {}

    def like(law: Callable[[Records], Likeness], name: str, sources: list[Records]) -> list[Floats]:
        """Likeness of each round's targets to a source, or to each round's own; computed once for several attacks."""
        if (law, name) not in likenesses:
            fitted = [law(source) for source in sources]
            likenesses[law, name] = [fitted[turn % len(fitted)](side) for turn, side in enumerate(targets)]
        return likenesses[law, name]

    for method in METHODS.values():
        if not applies(method, space, presence=c.view.presence):
            continue
        if method.name == "linked_donor" and LINKED not in split.groups:
            continue
        for table, source in released.items():
            if method.likeness:
                rounds = like(method.likeness, table, [source])
                if method.uses_known:
                    rounds = [
                        score - less for score, less in zip(rounds, like(method.likeness, "known", known), strict=True)
                    ]
            else:
                rounds = [
                    method.scored(side, source, outsiders) for side, outsiders in zip(targets, known, strict=True)
                ]
            inside, out = np.empty(len(split.members)), np.empty(len(split.non_members))
            for (ours, theirs), (one, _), score in zip(turns, pairs, rounds, strict=True):
                inside[ours] = score[: len(one.x)].reshape(-1, int(ours.sum())).max(axis=0)
                out[theirs] = score[len(one.x) :].reshape(-1, int(theirs.sum())).max(axis=0)
            getattr(result, table)[method.name, space.words] = inside, out


def _numbers(c: Comparison, split: AttackSplit) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    inside, out = c.train.subjects[split.members], c.holdout.subjects[split.non_members]
    inside, out = np.char.add("m ", inside), np.char.add("n ", out)
    _, number = np.unique(np.concatenate([inside, out]), return_inverse=True)
    return number[: len(inside)], number[len(inside) :]


def _combine(c: Comparison, chosen: list[Sides], result: Scored, half: Halves) -> Sides:
    """The combination of scores, each as it is and about the mean of its class."""
    every = [*chosen, *(_class_centred(c, sides, result.split) for sides in chosen)]
    parts = half[result.patients[0]], half[result.patients[1]]
    return combined([one for one, _ in every], [other for _, other in every], parts)


def _class_centred(c: Comparison, sides: Sides, split: AttackSplit) -> Sides:
    """Scores minus the mean of their class over members and non-members alike."""
    y = np.concatenate([c.train.y[split.members], c.holdout.y[split.non_members]])
    score = np.concatenate(sides)
    known = np.isfinite(score)
    count = np.bincount(y[known], minlength=int(y.max()) + 1)
    mean = np.bincount(y[known], score[known], len(count)) / np.maximum(count, 1)
    score = score - mean[y]
    return score[: len(sides[0])], score[len(sides[0]) :]
