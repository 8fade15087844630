"""Variant sets of patients: unique ones, and those that fewer than k patients share.

All variants of a patient together single out the only patient who has them. A generator that reproduces such a set
identifies the patient to anyone who knows it. Variants are called against the reference (`cohortsmith.data.sequences`),
so that one change written in two ways is one variant; a masked base counts as the reference base. k-anonymity is
Sweeney (2002, IJUFKS 10:557), the variant set being the quasi-identifier.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.kinds import SEQUENCE
from cohortsmith.evaluation.core import LARGE_SAMPLES_PER_SIDE, Finding, NotEvaluable, wilson
from cohortsmith.evaluation.metrics.common import Metric
from cohortsmith.evaluation.privacy.attack_settings import MIN_SAMPLES
from cohortsmith.evaluation.spaces import SequenceView, real_patients

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.evaluation.spaces import Comparison


class _Sets(NamedTuple):
    """Index of the variant set of each sample, equal for equal sets, (n,) per cohort."""

    train: NDArray[np.int64]
    holdout: NDArray[np.int64]
    synthetic: NDArray[np.int64]


def singled_out(comparison: Comparison, seed: int) -> Finding:
    """Share of train patients with a unique variant set that the synthetic cohort reproduces.

    Reference: the same share of holdout patients, unseen by the generator. Unique means among the patients of train and
    holdout together: so the two groups differ only in having been trained on, and a generator that memorises nobody
    reproduces both equally often. The whole synthetic cohort is searched.
    """
    del seed
    sets, counts = _sets(comparison), _carriers(comparison)
    made = np.isin(np.arange(len(counts.real)), sets.synthetic)
    unique = counts.real == 1
    found = {side: made[own[unique[own]]] for side, own in (("train", sets.train), ("holdout", sets.holdout))}
    for side, hits in found.items():
        if len(hits) < MIN_SAMPLES:
            raise NotEvaluable(
                f"it needs at least {MIN_SAMPLES} patients with a unique variant set; {side} has {len(hits)}"
            )
    control = wilson(float(found["holdout"].sum()), len(found["holdout"]))
    return Finding(
        *wilson(float(found["train"].sum()), len(found["train"])),
        reference=control.value,
        chance=0.0,
        interval="Wilson",
        detail={
            "n": len(found["train"]),
            "found": int(found["train"].sum()),
            "n_reference": len(found["holdout"]),
            "found_reference": int(found["holdout"].sum()),
            "reference_low": control.low,
            "reference_high": control.high,
            "n_synthetic": len(sets.synthetic),
        },
    )


def below_k(comparison: Comparison, seed: int, *, k: int = MIN_PATIENTS) -> Finding:
    """Share of synthetic sequences whose variant set at least one and fewer than `k` train patients have.

    Reference: the holdout's share, since unseen patients have such sets too. Sets absent from train identify no
    training patient. Classes are drawn in the holdout's proportions.
    """
    rows, sets, counts = comparison.draw(LARGE_SAMPLES_PER_SIDE, seed).rows, _sets(comparison), _carriers(comparison)
    made, real = counts.train[sets.synthetic[rows.synthetic]], counts.train[sets.holdout[rows.real]]
    own = counts.train[sets.train]
    few, few_real = ((0 < side) & (side < k) for side in (made, real))
    control = wilson(float(few_real.sum()), len(real))
    return Finding(
        *wilson(float(few.sum()), len(made)),
        reference=control.value,
        chance=0.0,
        interval="Wilson",
        detail={
            "k": k,
            "n": len(made),
            "reference_low": control.low,
            "reference_high": control.high,
            "carriers": _table(made, k),
            "carriers_reference": _table(real, k),
            "train_below_k": float((own < k).mean()),
            "smallest": int(made[made > 0].min(initial=len(own))) if (made > 0).any() else None,
        },
    )


K_ANONYMITY: tuple[Metric, ...] = (
    Metric(
        name="singled_out_variants",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of train patients with a unique variant set that the synthetic cohort reproduces; "
        "reference: the share of such holdout patients.",
        source="Sweeney 2002, k-anonymity, IJUFKS 10:557",
        measure=singled_out,
        kinds=(SEQUENCE,),
    ),
    Metric(
        name="variant_sets_below_5",
        group="privacy",
        direction="lower",
        bounds=(0, 1),
        explanation="Share of synthetic sequences whose variant set one to four train patients have; reference: "
        "the holdout's share.",
        source="Sweeney 2002, k-anonymity, IJUFKS 10:557",
        measure=below_k,
        kinds=(SEQUENCE,),
    ),
)


class _Counts(NamedTuple):
    """Patients (not sequences) with each variant set, (sets,): of train, and of train and holdout together."""

    train: NDArray[np.int64]
    real: NDArray[np.int64]


def _sets(c: Comparison) -> _Sets:
    def make() -> _Sets:
        number: dict[tuple[Any, ...], int] = {}
        sides = (c.seen_as(SequenceView).variants(side) for side in ("train", "holdout", "synthetic"))
        return _Sets(*(np.array([number.setdefault(held, len(number)) for held in side], np.int64) for side in sides))

    return c.memo("variant sets", make)


def _carriers(c: Comparison) -> _Counts:
    def make() -> _Counts:
        sets = _sets(c)
        size = 1 + max(int(side.max()) for side in sets)
        _, patient = np.unique(np.concatenate(real_patients(c)), return_inverse=True)
        pairs = np.column_stack([np.concatenate([sets.train, sets.holdout]), patient])

        def held(rows: NDArray[np.int64]) -> NDArray[np.int64]:
            return np.bincount(np.unique(rows, axis=0)[:, 0], minlength=size)

        return _Counts(held(pairs[: len(sets.train)]), held(pairs))

    return c.memo("carriers of variant sets", make)


def _table(carriers: NDArray[np.int64], k: int) -> dict[str, float]:
    """Share of sequences by how many train patients have their variant set."""
    n = len(carriers)
    return {
        "none": float((carriers == 0).sum() / n),
        "one": float((carriers == 1).sum() / n),
        f"two to {k - 1}": float(((carriers > 1) & (carriers < k)).sum() / n),
        f"{k} or more": float((carriers >= k).sum() / n),
    }
