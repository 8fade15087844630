"""Limits of small cohorts: the share of new patients' somatic variants that no training patient carries."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cohortsmith.data.sequences import call_cohort, reference_of
from cohortsmith.data.simulators import is_polymorphism

if TYPE_CHECKING:
    from cohortsmith.data import Cohort
    from cohortsmith.data.sequences import Variant

SIZES = (10, 20, 40, 100, 200, 400, 1000)
_GROUPS = 25


@dataclass(frozen=True)
class Unseen:
    """Somatic variants of new patients against those of the training patients.

    Attributes:
        train: training patients.
        known: different somatic variants that they carry.
        new: new patients.
        carried: somatic variants of these, counted once per patient.
        unseen: share of `carried` that no training patient has.
        substitutions: the same share of the substitutions among them.
        estimated: the same share estimated from the training patients alone: singletons among all variants
            (Good 1953, Biometrika 40:237); None where they carry none.
        by_size: the same share for other training patients, by their number; mean over disjoint groups.
    """

    train: int
    known: int
    new: int
    carried: int
    unseen: float
    substitutions: float
    estimated: float | None
    by_size: dict[int, float]

    def sentence(self) -> str:
        """The finding in words."""
        usual = self.by_size.get(self.train)
        beside = f" (other {self.train} patients miss {usual:.0%} on average)" if usual is not None else ""
        return (
            f"{self.unseen:.0%} of the somatic variants of new patients are not among the {self.known} that these "
            f"{self.train} patients carry{beside}. A generator trained on {self.train} patients can reproduce those or "
            "invent others, but cannot know the rest."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def unseen_variants(train: Cohort, new: Cohort, more: Cohort) -> Unseen:
    """Share of new patients' somatic variants that the training patients lack, polymorphisms left out on both sides.

    Args:
        train: training patients, sequences aligned to TP53's mRNA.
        new: new patients, on columns of their own.
        more: further patients for the groups of `by_size`, in random order.
    """
    known, carried, others = (_somatic(cohort) for cohort in (train, new, more))
    carriers = Counter(variant for patient in known for variant in patient)
    wanted = [variant for patient in carried for variant in patient]
    once = sum(1 for count in carriers.values() if count == 1)
    by_size = {}
    for size in (size for size in SIZES if size <= len(others)):
        groups = [others[start : start + size] for start in range(0, len(others) - size + 1, size)][:_GROUPS]
        missed = [_missing(wanted, {variant for patient in group for variant in patient}) for group in groups]
        by_size[size] = sum(missed) / len(missed)
    return Unseen(
        train=len(train),
        known=len(carriers),
        new=len(new),
        carried=len(wanted),
        unseen=_missing(wanted, set(carriers)),
        substitutions=_missing([variant for variant in wanted if variant.kind == "substitution"], set(carriers)),
        estimated=once / carriers.total() if carriers else None,
        by_size=by_size,
    )


def _missing(wanted: list[Variant], known: set[Variant]) -> float:
    return sum(variant not in known for variant in wanted) / len(wanted) if wanted else 0.0


def _somatic(cohort: Cohort) -> list[list[Variant]]:
    calls = call_cohort(cohort, reference_of(cohort))
    return [[variant for variant in called if not is_polymorphism(variant)] for called in calls]
