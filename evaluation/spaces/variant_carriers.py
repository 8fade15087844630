"""Carriers of each variant: the counts behind the plots of sequences, with small-cell suppression.

Of real patients only variants that at least `MIN_PATIENTS` of them carry are named or counted.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.sequences import TP53, effect, hgvs, is_cpg
from cohortsmith.evaluation.spaces.sequence_view import SequenceView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Effect, Reference, Variant
    from cohortsmith.evaluation.spaces.comparison import Comparison

COMMON = 0.1
"""Variants that more than this share of real patients carry are taken as germline."""

SUBSTITUTIONS = ("CpG>TpG", "other C>T", "T>C", "C>A", "C>G", "T>A", "T>G")
_PYRIMIDINE = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True, eq=False)
class Carriers:
    """Variants of one group of patients.

    Attributes:
        names: patients in a fixed order.
        of: positions in `names` of the carriers of each variant.
    """

    names: tuple[str, ...]
    of: Mapping[Variant, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.names)

    def count(self, variant: Variant) -> int:
        """Number of carriers."""
        return len(self.of.get(variant, ()))

    def share(self, variant: Variant) -> float:
        """Share of the patients who carry it, 0 to 1."""
        return self.count(variant) / max(1, len(self.names))

    def commonest(self) -> list[Variant]:
        """All variants, the most frequent first."""
        return sorted(self.of, key=lambda v: (-len(self.of[v]), v))

    def without(self, left_out: Iterable[Variant]) -> Carriers:
        """The same patients without these variants."""
        excluded = set(left_out)
        return Carriers(self.names, {variant: who for variant, who in self.of.items() if variant not in excluded})

    def members(self, groups: Mapping[Variant, int], size: int) -> NDArray[np.bool_]:
        """Which patients carry a variant of each group, (patients, size); variants without a group are ignored."""
        found = np.zeros((len(self.names), size), dtype=bool)
        for variant, group in groups.items():
            found[self.of.get(variant, []), group] = True
        return found

    def per_patient(self) -> NDArray[np.int64]:
        """Number of variants of each patient, (patients,)."""
        every = [who for who in self.of.values() if len(who)]
        joined = np.concatenate(every) if every else np.zeros(0, dtype=np.int64)
        return np.bincount(joined, minlength=len(self.names)).astype(np.int64)


def carriers(called: Sequence[tuple[Variant, ...]], subjects: Iterable[str]) -> Carriers:
    """Carriers of the variants called in each sample; samples of one patient count once.

    Args:
        called: variants of each sample.
        subjects: patient of each sample.
    """
    position: dict[str, int] = {}
    of: dict[Variant, set[int]] = defaultdict(set)
    for variants, subject in zip(called, subjects, strict=True):
        who = position.setdefault(str(subject), len(position))
        for variant in variants:
            of[variant].add(who)
    return Carriers(tuple(position), {v: np.asarray(sorted(who), dtype=np.int64) for v, who in of.items()})


@dataclass(frozen=True, eq=False)
class Tally:
    """Carriers of each side of a comparison of sequences.

    Attributes:
        reference: reference of the variants' names.
        train: carriers in train.
        holdout: carriers in holdout.
        real: train and holdout together.
        synthetic: carriers in the synthetic cohort.
        effects: effect of each variant on the protein.
    """

    reference: Reference
    train: Carriers
    holdout: Carriers
    real: Carriers
    synthetic: Carriers
    effects: Mapping[Variant, Effect]

    def named(self, group: Carriers | None = None) -> list[Variant]:
        """Variants with enough carriers in a real group (train and holdout if not given), most frequent first."""
        group = self.real if group is None else group
        return [variant for variant in group.commonest() if group.count(variant) >= MIN_PATIENTS]

    def polymorphisms(self) -> list[Variant]:
        """Germline variants: known polymorphisms of TP53, and those that more than `COMMON` of real patients carry."""
        from cohortsmith.data.simulators import is_polymorphism

        known = self.reference.name == TP53.name
        return [v for v in self.effects if self.real.share(v) > COMMON or (known and is_polymorphism(v))]

    def title(self, variant: Variant) -> str:
        """Name of a variant in the coding sequence and in the protein."""
        return f"{hgvs(variant, self.reference)} {self.effects[variant].protein}".strip()

    def short_title(self, variant: Variant) -> str:
        """Change of the protein, such as R175H; the name in the coding sequence where that is unknown."""
        protein = self.effects[variant].protein.removeprefix("p.")
        return protein if protein.strip("?=") else hgvs(variant, self.reference)


def real_patients(comparison: Comparison) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Patient of each sample of train and of holdout, renamed where the two only happen to use the same names.

    Two files that both number their patients from 1 name different people. Only if at least half of the shared names
    have the same variants in both are they taken to be the same people, counted once.
    """
    train, holdout, view = comparison.train.subjects, comparison.holdout.subjects, comparison.seen_as(SequenceView)
    known = dict(zip(train.tolist(), view.variants("train"), strict=True))
    pairs = zip(holdout.tolist(), view.variants("holdout"), strict=True)
    same = [known[name] == variants for name, variants in pairs if name in known]
    if not same or 2 * sum(same) >= len(same):
        return train, holdout
    return train, np.asarray([f"{name} of holdout" for name in holdout], dtype=np.str_)


def tally(comparison: Comparison) -> Tally:
    """Carriers of each side of a comparison of sequences, called against its reference."""
    view = comparison.seen_as(SequenceView)
    reference = view.reference
    called = {side: view.variants(side) for side in ("train", "holdout", "synthetic")}
    first, second = real_patients(comparison)
    train, holdout = carriers(called["train"], first), carriers(called["holdout"], second)
    synthetic = carriers(called["synthetic"], comparison.synthetic.subjects)
    real = carriers([*called["train"], *called["holdout"]], [*first, *second])
    effects = {variant: effect(variant, reference) for variant in {**real.of, **synthetic.of}}
    return Tally(reference, train, holdout, real, synthetic, effects)


def substitution_class(variant: Variant, reference: Reference) -> int | None:
    """Position in `SUBSTITUTIONS` of a change of one base, on the strand of the pyrimidine; None for others.

    The six classes of both strands follow Alexandrov et al. 2013; C>T at a CpG is a class of its own.
    """
    if len(variant.deleted) != 1 or len(variant.inserted) != 1:
        return None
    change = f"{variant.deleted}>{variant.inserted}"
    if variant.deleted in "AG":
        change = change.translate(_PYRIMIDINE)
    if change == "C>T":
        change = "CpG>TpG" if is_cpg(variant, reference) else "other C>T"
    return SUBSTITUTIONS.index(change) if change in SUBSTITUTIONS else None
