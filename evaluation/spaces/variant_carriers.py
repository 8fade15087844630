"""Who carries which variant: the tallies behind the pictures of sequences, and what of them may be shown.

Of real patients only what at least `MINIMUM` of them share is named or counted by itself (see `binning`).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.sequences import TP53, effect, hgvs, is_cpg
from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.spaces.sequence_view import SequenceView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Effect, Reference, Variant
    from cohortsmith.evaluation.spaces.comparison import Comparison

COMMON = 0.1
"""What more than this share of real patients carry is taken to be of the germ line."""

SUBSTITUTIONS = ("CpG>TpG", "other C>T", "T>C", "C>A", "C>G", "T>A", "T>G")
_PYRIMIDINE = str.maketrans("ACGT", "TGCA")


@dataclass(frozen=True, eq=False)
class Carriers:
    """Variants of one group of patients.

    Attributes:
        names: patients in a fixed order.
        of: the positions in `names` of those who carry each variant.
    """

    names: tuple[str, ...]
    of: Mapping[Variant, NDArray[np.int64]]

    def __len__(self) -> int:
        return len(self.names)

    def count(self, variant: Variant) -> int:
        """Patients who carry it."""
        return len(self.of.get(variant, ()))

    def share(self, variant: Variant) -> float:
        """Share of the patients who carry it, 0 to 1."""
        return self.count(variant) / max(1, len(self.names))

    def commonest(self) -> list[Variant]:
        """All variants, those of most patients first."""
        return sorted(self.of, key=lambda v: (-len(self.of[v]), v))

    def without(self, left_out: Iterable[Variant]) -> Carriers:
        """The same patients with these variants overlooked."""
        gone = set(left_out)
        return Carriers(self.names, {variant: who for variant, who in self.of.items() if variant not in gone})

    def members(self, groups: Mapping[Variant, int], size: int) -> NDArray[np.bool_]:
        """Which patients carry a variant of each group, (patients, size); variants without a group are left out."""
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
    """Tally of the variants called in each sample; samples of one patient count once.

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
    """Everything the pictures of one comparison of sequences draw from.

    Attributes:
        reference: what the variants are named against.
        train: carriers in train.
        holdout: carriers in holdout.
        real: train and holdout together.
        synthetic: carriers in the synthetic cohort.
        effects: what each variant of any of them does to the protein.
    """

    reference: Reference
    train: Carriers
    holdout: Carriers
    real: Carriers
    synthetic: Carriers
    effects: Mapping[Variant, Effect]

    def named(self, group: Carriers | None = None) -> list[Variant]:
        """Variants that enough patients of a real group (train and holdout if not given) share, commonest first."""
        group = self.real if group is None else group
        return [variant for variant in group.commonest() if group.count(variant) >= MINIMUM]

    def polymorphisms(self) -> list[Variant]:
        """Variants of the germ line: the known ones of TP53, and what more than `COMMON` of the real patients carry."""
        from cohortsmith.data.simulators import is_polymorphism

        known = self.reference.name == TP53.name
        return [v for v in self.effects if self.real.share(v) > COMMON or (known and is_polymorphism(v))]

    def title(self, variant: Variant) -> str:
        """Name of a variant: its place in the coding sequence and what becomes of the protein."""
        return f"{hgvs(variant, self.reference)} {self.effects[variant].protein}".strip()

    def short_title(self, variant: Variant) -> str:
        """What becomes of the protein, such as R175H; the place in the sequence where that is not told."""
        protein = self.effects[variant].protein.removeprefix("p.")
        return protein if protein.strip("?=") else hgvs(variant, self.reference)


def real_patients(comparison: Comparison) -> tuple[NDArray[np.str_], NDArray[np.str_]]:
    """Patient of each sample of train and of holdout, told apart where the two merely use the same names.

    Two files that both number their patients from 1 name different people. Only if at least half of the names they
    share have the same variants in both, the same people are taken to be in both, and count once.
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
    """Position in `SUBSTITUTIONS` of a change of one base, read on the strand of the pyrimidine; None for others.

    Folding the two strands into six classes follows Alexandrov et al. 2013; C>T of a CpG stands apart.
    """
    if len(variant.deleted) != 1 or len(variant.inserted) != 1:
        return None
    change = f"{variant.deleted}>{variant.inserted}"
    if variant.deleted in "AG":
        change = change.translate(_PYRIMIDINE)
    if change == "C>T":
        change = "CpG>TpG" if is_cpg(variant, reference) else "other C>T"
    return SUBSTITUTIONS.index(change) if change in SUBSTITUTIONS else None
