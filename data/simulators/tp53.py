"""Simulated TP53 mRNAs of patients: germline polymorphisms and somatic variants applied to the reference."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.io import LABEL, SAMPLE_ID
from cohortsmith.data.nucleotides import GAP, encode
from cohortsmith.data.sequences import TP53, applied, call_variants, effect, hgvs, read_variant_table
from cohortsmith.data.simulators.tp53_law import (
    POLYMORPHISMS,
    VariantLaw,
    built_in_law,
    known_polymorphisms,
    variant_law,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Reference, Variant

__all__ = ["POLYMORPHISMS", "class_of_variants", "is_polymorphism", "simulate_tp53", "tp53_cohort", "tp53_founding"]

CLASS_NAMES = ("mutated", "wild-type")
WINDOW = (97, 1375)
FOUNDING_PATIENTS = 40
NUMBER = (0.90, 0.09, 0.01)  # share of mutated patients with 1, 2 and 3 somatic variants
# Unchanged bases kept between two variants of a patient, so that each is called back as it was applied; more around
# an indel, which an alignment may shift.
_APART, _APART_INDEL = 1, 20
_TRIES = 100


def is_polymorphism(variant: Variant) -> bool:
    """Whether a variant of TP53's mRNA is one of `POLYMORPHISMS`."""
    return variant in known_polymorphisms()


def class_of_variants(variants: Iterable[Variant], reference: Reference) -> str:
    """Class of a sequence by its variants: "mutated" if one changes the protein and is not a polymorphism."""
    somatic = (v for v in variants if not is_polymorphism(v))
    changed = any(_kind(v, reference) not in ("silent", "noncoding") for v in somatic)
    return CLASS_NAMES[0] if changed else CLASS_NAMES[1]


@functools.lru_cache(maxsize=1 << 16)
def _kind(variant: Variant, reference: Reference) -> str:
    return effect(variant, reference).kind


def tp53_founding(n: int, seed: int, *, indels: bool = False, table: str | Path | None = None) -> Cohort:
    """Patients of the founding study: half with TP53 mutated, 20 of 40, positions 97..1375; see `simulate_tp53`."""
    return simulate_tp53(n, seed, preset="tp53-founding", indels=indels, table=table)


def tp53_cohort(
    n: int,
    seed: int,
    *,
    prevalence: float = 0.5,
    indels: bool = False,
    table: str | Path | None = None,
    window: tuple[int, int] = WINDOW,
) -> Cohort:
    """Patients in any number, a share `prevalence` of them mutated; see `simulate_tp53`."""
    return simulate_tp53(n, seed, prevalence=prevalence, indels=indels, table=table, window=window)


def simulate_tp53(
    n: int,
    seed: int,
    *,
    preset: str = "tp53-cohort",
    prevalence: float = 0.5,
    indels: bool = False,
    table: str | Path | None = None,
    window: tuple[int, int] = WINDOW,
) -> Cohort:
    """Cohort of TP53 mRNAs, one sequence per patient, aligned to NM_000546.6.

    Each patient carries each of `POLYMORPHISMS` with its population frequency, independently. A mutated patient also
    has 1, 2 or 3 somatic variants (90, 9, 1 %), drawn from the built-in law (`tp53_law.built_in_law`) or from a table
    in proportion to its patient counts. Somatic variants all change the protein. Where a variant is adjacent to a
    polymorphism, or an indel is near one, the patient lacks the polymorphism; two somatic variants of a patient are
    not adjacent either. Rows of the table that would be called back differently (deletion-insertions with unchanged
    bases in between) are left out.

    Args:
        n: patients.
        seed: of all random draws.
        preset: "tp53-cohort", or "tp53-founding" whose prevalence and window are fixed.
        prevalence: share of mutated patients, rounded to a number of patients. Across TCGA's tumours: 0.372.
        indels: also draw deletions and insertions, which cause gaps and insertion columns.
        table: a table of variants, see `cohortsmith.data.sequences.variant_table.read_variant_table`.
        window: first and last mRNA position of the cohort.

    Returns:
        The cohort with classes "mutated" and "wild-type"; `provenance["truth"]` holds the names of each patient's
        variants by sample id.

    Raises:
        DataError: fewer than 2 patients in a class, a window outside the mRNA, or a table without a usable variant.
    """
    if preset == "tp53-founding" and (prevalence, tuple(window)) != (0.5, WINDOW):
        raise DataError("tp53-founding is half mutated and covers positions 97..1375; use tp53-cohort to change that")
    if not 0 <= prevalence <= 1:
        raise DataError(f"the prevalence of mutated patients must be between 0 and 1; got {prevalence:g}")
    reference = TP53.window(*window)
    mutated = round(n * prevalence)
    if not 2 <= mutated <= n - 2:
        raise DataError(
            f"a class needs at least 2 patients; {n} patients and prevalence {prevalence:g} give {mutated} mutated and "
            f"{n - mutated} wild-type: choose more patients or another prevalence"
        )
    law = _law(reference, indels, table)
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat([0, 1], [mutated, n - mutated]))
    somatic: list[list[Variant]] = [[] for _ in range(n)]
    cumulated = np.cumsum(law.share)
    for row, number in zip(np.flatnonzero(y == 0).tolist(), rng.choice([1, 2, 3], mutated, p=NUMBER), strict=True):
        somatic[row] = _draw(law, cumulated, int(number), rng)
    germline = {v: f for v, f in known_polymorphisms().items() if reference.start <= v.position <= reference.end}
    carried = rng.random((n, len(germline))) < np.fromiter(germline.values(), np.float64)
    patients = [
        sorted([*found, *(v for v, has in zip(germline, row, strict=True) if has and _apart(v, found))])
        for found, row in zip(somatic, carried.tolist(), strict=True)
    ]
    x, columns = _aligned(patients, reference)
    ids = pd.Index([f"tp53-{i:06d}" for i in range(n)], dtype=object, name=SAMPLE_ID)
    return Cohort(
        kind="sequence",
        x=x,
        y=y.astype(np.int64),
        classes=CLASS_NAMES,
        features=columns,
        subjects=np.asarray(ids, dtype=np.str_),
        obs=pd.DataFrame(index=ids),
        provenance={
            "source": "simulated",
            "label": LABEL,
            "reference": TP53.name,
            "masked": 0,
            "seed": seed,
            "truth": {
                name: [hgvs(v, reference) for v in found] for name, found in zip(ids.tolist(), patients, strict=True)
            },
        },
    )


def _law(reference: Reference, indels: bool, table: str | Path | None) -> VariantLaw:
    if table is None:
        law = built_in_law(indels).within(reference)
    else:
        counted = read_variant_table(table, TP53)
        law = variant_law({v: c for v, c in counted.items() if _somatic(v) and (indels or v.kind == "substitution")})
        law = law.within(reference)
    if not law.variants:
        what = "variant" if indels else "substitution"
        raise DataError(
            f"{table or 'the built-in law'}: no observed {what} changes the protein between mRNA "
            f"positions {reference.start} and {reference.end}; use a wider window, a larger table or allow indels"
        )
    return law


def _somatic(variant: Variant) -> bool:
    if is_polymorphism(variant) or effect(variant, TP53).kind in ("silent", "noncoding"):
        return False
    return variant.kind != "delins" or call_variants(applied([variant], TP53), TP53) == (variant,)


def _draw(law: VariantLaw, cumulated: NDArray[np.float64], number: int, rng: np.random.Generator) -> list[Variant]:
    """Variants of one patient; fewer than `number` where no more fit without being adjacent."""
    found: list[Variant] = []
    for _ in range(_TRIES):
        at = int(np.searchsorted(cumulated, rng.random() * cumulated[-1], side="right"))
        variant = law.variants[min(at, len(law.variants) - 1)]
        if _apart(variant, found):
            found.append(variant)
        if len(found) == number:
            break
    return found


def _apart(variant: Variant, others: Sequence[Variant]) -> bool:
    """Whether there are enough unchanged bases between a variant and each of the others."""
    for other in others:
        room = _APART if variant.kind == other.kind == "substitution" else _APART_INDEL
        if variant.position <= other.end + room and other.position <= variant.end + room:
            return False
    return True


def _aligned(patients: Sequence[Sequence[Variant]], reference: Reference) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Codes (patients, columns) and the columns' names: positions, each followed by its insertion columns."""
    width: dict[int, int] = {}
    for variant in (v for found in patients for v in found):
        longer = len(variant.inserted) - len(variant.deleted)
        if longer > 0:
            width[variant.end] = max(width.get(variant.end, 0), longer)
    names: list[str] = []
    at: dict[int, int] = {}
    for position in range(reference.start, reference.end + 1):
        at[position] = len(names)
        names += [str(position), *(f"{position}+{k}" for k in range(1, width.get(position, 0) + 1))]
    base = np.full(len(names), GAP, dtype=np.uint8)
    base[list(at.values())] = reference.codes
    x = np.tile(base, (len(patients), 1))
    for row, found in zip(x, patients, strict=True):
        for variant in found:
            codes = encode(variant.inserted)
            gone = len(variant.deleted)
            there = [at[variant.position + i] for i in range(gone)]
            row[there] = GAP
            row[there[: len(codes)]] = codes[:gone]
            if len(codes) > gone:
                after = at[variant.end] + 1
                row[after : after + len(codes) - gone] = codes[gone:]
    return x, tuple(names)
