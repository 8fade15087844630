"""Variants called from the sequences: consistency with the class label, and mutation spectra.

Germline variants are excluded from all spectra: the known polymorphisms of TP53, and variants that more than 10 % of
the real patients carry. A variant that two patients carry counts twice.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.sequences import EFFECTS, TP53, effect, hgvs, is_cpg, is_transition, substitution_effects
from cohortsmith.data.simulators import class_of_variants, is_polymorphism
from cohortsmith.evaluation.core import LARGE_SAMPLES_PER_SIDE, WILSON_INTERVAL, Finding, Interval, NotEvaluable, wilson
from cohortsmith.evaluation.metrics.sequences.reading_frame import coding_span
from cohortsmith.evaluation.spaces import COMMON, SequenceView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Variant
    from cohortsmith.evaluation.spaces import Comparison

    Called = Sequence[tuple[Variant, ...]]

MIN_VARIANTS = 20
HOTSPOTS = 10
TP53_CLASSES = {"mutated", "wild-type"}


class Spectrum(NamedTuple):
    """Number of carriers of each somatic variant."""

    real: Counter[Variant]
    synthetic: Counter[Variant]
    train: Counter[Variant]
    kinds: dict[Variant, str]


def called_class(comparison: Comparison, seed: int) -> Finding:
    """Share of synthetic patients whose sequence has the class that was requested, by `class_of_variants`.

    Reference: the same for the holdout. Chance: labels permuted at random.
    """
    c = comparison
    if c.seen_as(SequenceView).reference.name != TP53.name or set(c.classes) != TP53_CLASSES:
        raise NotEvaluable(
            f"the class of a sequence is known for {TP53.name} with classes {' and '.join(sorted(TP53_CLASSES))}; here "
            f"it is read against {c.seen_as(SequenceView).reference.name} with classes {', '.join(c.classes[:5])}"
        )
    rows = c.draw(LARGE_SAMPLES_PER_SIDE, seed).rows

    def called(side: str, chosen: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[Any]]:
        view = c.seen_as(SequenceView)
        variants = view.variants(side)
        class_of = {each: class_of_variants(each, view.reference) for each in {variants[i] for i in chosen}}
        return np.asarray([class_of[variants[i]] for i in chosen]), getattr(c, side).labels[chosen]

    found, requested = called("synthetic", rows.synthetic)
    found_real, requested_real = called("holdout", rows.real)
    chance = sum(float((found == name).mean() * (requested == name).mean()) for name in c.classes)
    by_class = [
        {
            "class": name,
            "n": int((requested == name).sum()),
            "value": float((found == requested)[requested == name].mean()),
        }
        for name in c.classes
        if (requested == name).any()
    ]
    return Finding(
        *wilson(float((found == requested).sum()), len(found)),
        reference=float((found_real == requested_real).mean()),
        chance=chance,
        interval=WILSON_INTERVAL,
        detail={"n": len(found), "by_class": by_class},
    )


def effect_share(comparison: Comparison, seed: int, *, kind: str) -> Finding:
    """Share of one kind of effect ("missense", "nonsense", "frameshift", ...) among variants that change the protein.

    Reference: the holdout's. Chance: random substitutions, all equally likely.
    """
    reference = comparison.seen_as(SequenceView).reference
    coding_span(comparison)
    found = _spectrum(comparison, seed)

    def changes(carried: Counter[Variant]) -> Counter[str]:
        kinds: Counter[str] = Counter()
        for variant, carriers in carried.items():
            if found.kinds[variant] not in ("silent", "noncoding"):
                kinds[found.kinds[variant]] += carriers
        return kinds

    made, real = changes(found.synthetic), changes(found.real)
    every = substitution_effects(reference)
    random = np.bincount(every[every >= 0], minlength=len(EFFECTS))
    coding = [i for i, name in enumerate(EFFECTS) if name not in ("silent", "noncoding")]
    return _share(
        (made[kind], made.total()),
        (real[kind], real.total()),
        chance=float(random[EFFECTS.index(kind)] / max(1, random[coding].sum())),
        what="variants that change the protein",
        detail={
            "kinds": {name: made[name] / max(1, made.total()) for name in sorted(made)},
            "kinds_reference": {name: real[name] / max(1, real.total()) for name in sorted(real)},
        },
    )


def ti_tv(comparison: Comparison, seed: int) -> Finding:
    """Transitions over transversions among substitutions; reference: the holdout's; chance: 0.5, all equally likely."""
    found = _spectrum(comparison, seed)
    made, real = (
        _counted(side, lambda v: is_transition(v.deleted, v.inserted)) for side in (found.synthetic, found.real)
    )
    share = _share(made, real, chance=1 / 3, what="substitutions", detail={})
    if made[0] == made[1] or real[0] == real[1]:
        raise NotEvaluable("there are no transversions to set transitions against")

    def odds(rate: float | None) -> float:
        assert rate is not None
        return rate / (1 - rate)

    return Finding(
        odds(share.value),
        odds(share.low),
        odds(share.high),
        reference=odds(share.reference),
        chance=0.5,
        interval="Wilson, of the share of transitions",
        detail=share.detail,
    )


def cpg_share(comparison: Comparison, seed: int) -> Finding:
    """Share of substitutions that are C>T or G>A at a CpG site; reference: the holdout's.

    Chance: random substitutions, all equally likely.
    """
    found, reference = _spectrum(comparison, seed), comparison.seen_as(SequenceView).reference
    made, real = (_counted(side, lambda v: is_cpg(v, reference)) for side in (found.synthetic, found.real))
    at_cpg = 2 * reference.sequence.count("CG")
    return _share(made, real, chance=at_cpg / (3 * len(reference)), what="substitutions", detail={})


def hotspot_share(comparison: Comparison, seed: int) -> Finding:
    """Share of variants that are among train's ten most frequent (at least five carriers); reference: the holdout's.

    Chance: random substitutions.
    """
    found, reference = _spectrum(comparison, seed), comparison.seen_as(SequenceView).reference
    ranked = sorted(found.train.items(), key=lambda item: (-item[1], item[0]))
    hotspots = [variant for variant, carriers in ranked[:HOTSPOTS] if carriers >= MIN_PATIENTS]
    if not hotspots:
        raise NotEvaluable(f"no variant is carried by {MIN_PATIENTS} train patients")
    totals = found.synthetic.total(), found.real.total(), found.train.total()
    table = [
        {
            "variant": hgvs(v, reference),
            "value": found.synthetic[v] / max(1, totals[0]),
            "reference": found.train[v] / max(1, totals[2]),
        }
        for v in hotspots
    ]
    return _share(
        (sum(found.synthetic[v] for v in hotspots), totals[0]),
        (sum(found.real[v] for v in hotspots), totals[1]),
        chance=len(hotspots) / (3 * len(reference)),
        what="variants",
        detail={"hotspots": table},
    )


def novel_variants(comparison: Comparison, seed: int) -> Finding:
    """Share of variants that no train patient has; reference: the holdout's; chance: random substitutions.

    0 indicates copying, nearly 1 invention. `real` in the detail is the share of the novel ones that are known to be
    real: the holdout has them, or `comparison.known_variants`.
    """
    found, reference = _spectrum(comparison, seed), comparison.seen_as(SequenceView).reference
    known = set(_somatic(comparison, comparison.seen_as(SequenceView).variants("holdout"))) | comparison.known_variants

    def novel(carried: Counter[Variant]) -> int:
        return sum(carriers for variant, carriers in carried.items() if variant not in found.train)

    made = novel(found.synthetic)
    real = sum(n for variant, n in found.synthetic.items() if variant not in found.train and variant in known)
    substitutions = sum(variant.kind == "substitution" for variant in found.train)
    return _share(
        (made, found.synthetic.total()),
        (novel(found.real), found.real.total()),
        chance=1 - substitutions / (3 * len(reference)),
        what="variants",
        detail={"real": real / made if made else None, "novel": made, "known": len(known)},
    )


def _spectrum(comparison: Comparison, seed: int) -> Spectrum:
    def make() -> Spectrum:
        c, rows = comparison, comparison.draw(LARGE_SAMPLES_PER_SIDE, seed).rows
        held, drawn = c.seen_as(SequenceView).variants("holdout"), c.seen_as(SequenceView).variants("synthetic")
        real = _somatic(c, [held[i] for i in rows.real])
        synthetic = _somatic(c, [drawn[i] for i in rows.synthetic])
        train = _somatic(c, c.seen_as(SequenceView).variants("train"))
        kinds = {
            variant: effect(variant, c.seen_as(SequenceView).reference).kind for variant in {*real, *synthetic, *train}
        }
        return Spectrum(real, synthetic, train, dict(kinds))

    return comparison.memo(("spectrum", seed), make)


def _somatic(comparison: Comparison, called: Called) -> Counter[Variant]:
    germline = comparison.memo("germline", lambda: _germline(comparison))
    return Counter(variant for variants in called for variant in set(variants) if variant not in germline)


def _germline(comparison: Comparison) -> set[Variant]:
    real = [*comparison.seen_as(SequenceView).variants("train"), *comparison.seen_as(SequenceView).variants("holdout")]
    carried = Counter(variant for variants in real for variant in set(variants))
    found = {variant for variant, carriers in carried.items() if carriers > COMMON * len(real)}
    if comparison.seen_as(SequenceView).reference.name == TP53.name:
        every = {
            *carried,
            *(variant for variants in comparison.seen_as(SequenceView).variants("synthetic") for variant in variants),
        }
        found |= {variant for variant in every if is_polymorphism(variant)}
    return found


def _counted(carried: Counter[Variant], selected: Any) -> tuple[int, int]:
    """Number of selected substitutions and of all, weighted by their carriers."""
    substitutions = [(v, n) for v, n in carried.items() if v.kind == "substitution"]
    return sum(n for v, n in substitutions if selected(v)), sum(n for _, n in substitutions)


def _share(
    made: tuple[int, int], real: tuple[int, int], *, chance: float, what: str, detail: dict[str, Any]
) -> Finding:
    for name, (_, total) in (("the synthetic cohort", made), ("the holdout", real)):
        if total < MIN_VARIANTS:
            raise NotEvaluable(f"a share of {what} needs at least {MIN_VARIANTS} of them, {name} has {total}")
    found: Interval = wilson(made[0], made[1])
    return Finding(
        *found,
        reference=real[0] / real[1],
        chance=chance,
        interval=f"Wilson, of {what}",
        detail={"n": made[1], "n_reference": real[1], **detail},
    )
