"""Distribution of somatic TP53 variants: built from published proportions, or from a table of patient counts."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.sequences import (
    BASES,
    EFFECTS,
    TP53,
    Variant,
    effect,
    is_cpg,
    is_transition,
    normalised,
    parse_hgvs,
    substitution_effects,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Reference

# Per cent of all missense variants, across 9074 TCGA tumours.
HOTSPOT_PERCENT = {
    "c.524G>A": 5.71,  # R175H
    "c.817C>T": 4.85,  # R273C
    "c.743G>A": 4.32,  # R248Q
    "c.818G>A": 3.66,  # R273H
    "c.844C>T": 3.12,  # R282W
    "c.742C>T": 2.96,  # R248W
    "c.659A>G": 2.18,  # Y220C
    "c.733G>A": 1.48,  # G245S
    "c.747G>T": 0.82,  # R249S
}
# Per cent of non-silent variants; the 6.8 % at splice sites are not visible in an mRNA.
CLASSES = {
    "missense": 65.4,
    "nonsense": 13.2,
    "frameshift deletion": 9.4,
    "frameshift insertion": 3.1,
    "in-frame": 2.1,
}
TI_TV = 1.62
CPG = 0.30  # of substitutions: C>T and G>A at CpG sites
CORE = (102, 292)  # codons of the DNA-binding domain
IN_CORE = 0.966  # of missense variants

# Germline polymorphisms: frequency of the non-reference allele. At codon 72 the reference has the minor allele.
POLYMORPHISMS = {
    "c.215C>G": 0.68,  # P72R
    "c.139C>T": 0.005,  # P47S
    "c.639A>G": 0.012,  # R213=
    "c.108G>A": 0.012,  # P36=
}

# Standard deviation of the log weights within a group of variants; the point, in standard deviations, above which the
# upper tail is compressed, and by which factor. Chosen so that the unseen mass is close to that of the counted table:
# there it is 0.83 after 20 variants and 0.14 after 1000, and 2900 variants hold 543 distinct ones.
_SPREAD, _SPREAD_INDEL, _CUT, _BEYOND = 3.0, 1.5, 1.5, 0.15
_ROUNDS = 300
_DELETED = {1: 62, 2: 20, 4: 5, 5: 2, 7: 3, 8: 2, 10: 1, 11: 2, 13: 1, 16: 1, 17: 1}
_DOUBLED = {1: 70, 2: 16, 4: 9, 5: 5}
_DELETED_IN_FRAME = {3: 40, 6: 12, 9: 8, 12: 5, 15: 4, 18: 14, 21: 3}
_DOUBLED_IN_FRAME = {3: 9, 6: 5}
_INDELS_IN = (25, 350)  # codons


@dataclass(frozen=True)
class VariantLaw:
    """Somatic variants and their probabilities.

    Attributes:
        variants: each once, 3'-normalised.
        share: float64 (variants,), probability of each; sums to one.
    """

    variants: tuple[Variant, ...]
    share: NDArray[np.float64]

    def within(self, reference: Reference) -> VariantLaw:
        """The variants strictly inside a part of the reference, with probabilities renormalised."""
        kept = [i for i, v in enumerate(self.variants) if v.position > reference.start and v.end < reference.end]
        share = self.share[kept]
        return VariantLaw(tuple(self.variants[i] for i in kept), share / share.sum() if kept else share)


def variant_law(weights: Mapping[Variant, float]) -> VariantLaw:
    """Law of variants drawn in proportion to their weights; variants of weight 0 are dropped."""
    weights = {v: w for v, w in sorted(weights.items()) if w > 0}
    share = np.fromiter(weights.values(), dtype=np.float64, count=len(weights))
    return VariantLaw(tuple(weights), share / share.sum() if len(share) else share)


@functools.cache
def built_in_law(indels: bool = False) -> VariantLaw:
    """Law of somatic TP53 variants from published proportions alone; no patient's record is used.

    Every missense and nonsense substitution of the coding sequence (about 2700) gets a weight from a log-normal
    distribution with a compressed upper tail, spread over the variants by a golden-ratio sequence: a few are
    frequent, most are rare, as in observed tables. The weights are then raked (iterative proportional fitting, Deming &
    Stephan 1940) until these proportions match: hotspots among missense, missense to nonsense, transitions to
    transversions, CpG transitions, missense in codons 102..292. Which variants besides the hotspots are frequent is
    not modelled.

    Args:
        indels: also frameshift and in-frame deletions and insertions, by their published proportions. Their lengths
            roughly follow observed tumours; insertions duplicate the preceding bases; positions are in codons 25..350,
            more likely in homopolymers, where several positions normalise to the same variant.
    """
    total = CLASSES["missense"] + CLASSES["nonsense"]
    weights = {v: w * total for v, w in _substitutions().items()}
    if indels:
        for name, found in (
            ("frameshift deletion", _indels(_DELETED, {})),
            ("frameshift insertion", _indels({}, _DOUBLED)),
            ("in-frame", _indels(_DELETED_IN_FRAME, _DOUBLED_IN_FRAME)),
        ):
            scale = CLASSES[name] / sum(found.values())
            for variant, weight in found.items():
                weights[variant] = weights.get(variant, 0.0) + scale * weight
    return variant_law(weights)


def _substitutions() -> dict[Variant, float]:
    """Probability of each missense and nonsense substitution among them."""
    kinds = substitution_effects(TP53)
    wanted = [EFFECTS.index("missense"), EFFECTS.index("nonsense")]
    common = known_polymorphisms()
    variants = [
        variant
        for at, code in np.argwhere(np.isin(kinds, wanted)).tolist()
        if (variant := Variant(at + TP53.start, TP53.sequence[at], BASES[code])) not in common
    ]
    missense = np.array([kinds[v.position - TP53.start, BASES.index(v.inserted)] == wanted[0] for v in variants])
    codon = np.array([(TP53.codon(v.position) or (0, 0))[0] for v in variants])
    core = (codon >= CORE[0]) & (codon <= CORE[1])
    cpg = np.array([is_cpg(v, TP53) for v in variants])
    transition = np.array([is_transition(v.deleted, v.inserted) for v in variants])
    hotspots = {parse_hgvs(name, TP53): percent / 100 for name, percent in HOTSPOT_PERCENT.items()}
    share = CLASSES["missense"] / (CLASSES["missense"] + CLASSES["nonsense"])
    fixed = np.array([hotspots.get(v, 0.0) * share for v in variants])
    free = fixed == 0
    ti = TI_TV / (1 + TI_TV)
    margins = [
        [(missense & core, share * IN_CORE), (missense & ~core, share * (1 - IN_CORE)), (~missense, 1 - share)],
        [(cpg, CPG), (transition & ~cpg, ti - CPG), (~transition, 1 - ti)],
    ]
    weights = np.where(free, _spread(len(variants), _SPREAD), 0.0)
    for _ in range(_ROUNDS):
        for groups in margins:
            for group, target in groups:
                weights[group] *= (target - fixed[group].sum()) / weights[group].sum()
    return dict(zip(variants, (weights + fixed).tolist(), strict=True))


def _spread(count: int, sigma: float) -> NDArray[np.float64]:
    """Log-normal quantiles at the points of the golden-ratio sequence, (count,); no random generator."""
    normal = NormalDist()
    points = ((np.arange(1, count + 1) * (5**0.5 - 1) / 2) % 1).tolist()
    z = np.array([normal.inv_cdf(p) for p in points])
    return np.exp(sigma * np.where(z > _CUT, _CUT + _BEYOND * (z - _CUT), z))


def _indels(deleted: dict[int, int], doubled: dict[int, int]) -> dict[Variant, float]:
    """Weight of each deletion and duplication, by the weights of their lengths, summed over canonical forms."""
    assert TP53.cds is not None
    first, last = TP53.cds[0] + 3 * (_INDELS_IN[0] - 1), TP53.cds[0] + 3 * _INDELS_IN[1] - 1
    found: dict[Variant, float] = {}
    for lengths, insertion in ((deleted, False), (doubled, True)):
        for length, weight in lengths.items():
            for at in range(first, last - length + 2):
                bases = TP53.span(at, at + length - 1)
                variant = Variant(at + length, "", bases) if insertion else Variant(at, bases, "")
                variant = normalised(variant, TP53)
                found[variant] = found.get(variant, 0.0) + weight
    # Away from both ends of the protein, every change of length not divisible by three is a frameshift.
    kept = {v: w for v, w in found.items() if _shifts(v) or effect(v, TP53).kind == "in-frame"}
    spread = _spread(len(kept), _SPREAD_INDEL).tolist()
    return {v: w * s for (v, w), s in zip(sorted(kept.items()), spread, strict=True)}


def _shifts(indel: Variant) -> bool:
    return (len(indel.deleted) - len(indel.inserted)) % 3 != 0


@functools.cache
def known_polymorphisms() -> dict[Variant, float]:
    """Frequency of each of `POLYMORPHISMS`, by variant."""
    found = {parse_hgvs(name, TP53): frequency for name, frequency in POLYMORPHISMS.items()}
    return {variant: frequency for variant, frequency in found.items() if variant is not None}
