"""How often which somatic variant of TP53 occurs: a law built of published shares, or a table of counted patients."""

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

# Percent of all missense variants, over 9074 tumours of TCGA.
HOTSPOTS = {
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
# Percent of the non-silent variants; the 6.8 of splice sites cannot be told from the mRNA.
CLASSES = {
    "missense": 65.4,
    "nonsense": 13.2,
    "frameshift deletion": 9.4,
    "frameshift insertion": 3.1,
    "in-frame": 2.1,
}
TI_TV = 1.62
CPG = 0.30  # of the substitutions, C>T of CG and G>A of CG
CORE = (102, 292)  # codons of the DNA-binding domain
IN_CORE = 0.966  # of the missense variants

# Germline polymorphisms: the share of people's sequences that carry the base other than the reference's. At codon 72
# the reference has the rarer one.
POLYMORPHISMS = {
    "c.215C>G": 0.68,  # P72R
    "c.139C>T": 0.005,  # P47S
    "c.639A>G": 0.012,  # R213=
    "c.108G>A": 0.012,  # P36=
}

# Spread (standard deviation of the natural logarithm) of the weights within one group of variants; from where on, in
# standard deviations, the upper tail is pressed together, and to what share. Chosen so that what is unseen comes near
# to the counted table: there it is 0.83 after 20 variants and 0.14 after 1000, and 543 different ones are among 2900.
_SPREAD, _SPREAD_INDEL, _CUT, _BEYOND = 3.0, 1.5, 1.5, 0.15
_ROUNDS = 300
_DELETED = {1: 62, 2: 20, 4: 5, 5: 2, 7: 3, 8: 2, 10: 1, 11: 2, 13: 1, 16: 1, 17: 1}
_DOUBLED = {1: 70, 2: 16, 4: 9, 5: 5}
_DELETED_IN_FRAME = {3: 40, 6: 12, 9: 8, 12: 5, 15: 4, 18: 14, 21: 3}
_DOUBLED_IN_FRAME = {3: 9, 6: 5}
_INDELS_IN = (25, 350)  # codons


@dataclass(frozen=True)
class VariantLaw:
    """Somatic variants and how often each occurs.

    Attributes:
        variants: each once, 3'-normalised.
        share: float64 (variants,), of each among all; sums to one.
    """

    variants: tuple[Variant, ...]
    share: NDArray[np.float64]

    def within(self, reference: Reference) -> VariantLaw:
        """The variants that show between the first and the last base of a part of the reference, shares anew."""
        kept = [i for i, v in enumerate(self.variants) if v.position > reference.start and v.end < reference.end]
        share = self.share[kept]
        return VariantLaw(tuple(self.variants[i] for i in kept), share / share.sum() if kept else share)


def law_of(weights: Mapping[Variant, float]) -> VariantLaw:
    """Law of variants drawn in proportion to their weights; those of weight 0 are left out."""
    weights = {v: w for v, w in sorted(weights.items()) if w > 0}
    share = np.fromiter(weights.values(), dtype=np.float64, count=len(weights))
    return VariantLaw(tuple(weights), share / share.sum() if len(share) else share)


@functools.cache
def built_in_law(indels: bool = False) -> VariantLaw:
    """Law of TP53's somatic variants made of published shares alone, no patient's record behind it.

    Every missense and nonsense substitution of the coding sequence (about 2700) gets a weight from a log-normal
    distribution with its upper tail pressed together, spread over the variants by a golden-ratio sequence: a few are
    frequent, most are rare, as in counted tables. The weights are then raked (iterative proportional fitting, Deming &
    Stephan 1940) until all of these hold: hotspots' shares of missense, missense to nonsense, transitions to
    transversions, CpG transitions, missense in codons 102..292. What is not made to hold: which variant besides the
    hotspots is frequent.

    Args:
        indels: also frameshift and in-frame deletions and insertions, by their classes' shares. Their lengths are
            those of counted tumours, roughly; insertions double the bases before them; places are in codons 25..350,
            likelier in runs of one base, where many places come to the same variant.
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
    return law_of(weights)


def _substitutions() -> dict[Variant, float]:
    """Share of each missense and nonsense substitution among them."""
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
    hotspots = {parse_hgvs(name, TP53): percent / 100 for name, percent in HOTSPOTS.items()}
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
    """Log-normal quantiles at the points of the golden-ratio sequence, (count,), free of any random generator."""
    normal = NormalDist()
    points = ((np.arange(1, count + 1) * (5**0.5 - 1) / 2) % 1).tolist()
    z = np.array([normal.inv_cdf(p) for p in points])
    return np.exp(sigma * np.where(z > _CUT, _CUT + _BEYOND * (z - _CUT), z))


def _indels(deleted: dict[int, int], doubled: dict[int, int]) -> dict[Variant, float]:
    """Weight of each deletion and doubling of those lengths (and the lengths' weights), once a canonical form."""
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
    # Away from both ends of the protein, a shift of the frame is one whatever it does.
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
