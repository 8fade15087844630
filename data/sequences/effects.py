"""Effect of a variant on the protein, and its place in the mutation spectrum: transitions, CpG sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from cohortsmith.data.sequences.reference import translate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.sequences.reference import Reference
    from cohortsmith.data.sequences.variants import Variant

EffectKind = Literal["noncoding", "silent", "missense", "nonsense", "frameshift", "in-frame", "start-lost", "stop-lost"]
EFFECTS: tuple[EffectKind, ...] = get_args(EffectKind)
BASES = "ATCG"  # in the order of their codes
_PURINES = "AG"


@dataclass(frozen=True)
class Effect:
    """Effect of one variant alone on the protein.

    Attributes:
        kind: one of `EFFECTS`.
        protein: short HGVS name, e.g. "p.R175H"; empty outside the coding sequence.
        codon: number of the first affected codon; 0 outside the coding sequence.
    """

    kind: EffectKind
    protein: str
    codon: int


def substitution_effects(reference: Reference) -> NDArray[np.int8]:
    """Effect of each substitution at each position, (length, 4): indices into `EFFECTS`; -1 for the reference base.

    The second axis is in the order of the codes A, T, C, G.
    """
    table = np.zeros((len(reference), len(BASES)), dtype=np.int8)
    first, last = reference.frame
    for position in range(first, last + 1):
        for code, base in enumerate(BASES):
            table[position - reference.start, code] = _substitution(reference, position, base)
    table[np.arange(len(reference)), reference.codes] = -1
    return table


def effect(variant: Variant, reference: Reference) -> Effect:
    """Effect of one variant, taken alone, on the protein.

    A change of length that is not a multiple of three is "frameshift", another change of length "in-frame" unless it
    introduces a stop ("nonsense") or removes the start or the stop codon. Splicing is not visible in an mRNA. Names
    follow HGVS in one-letter form; `p.W53fs*70` gives the first changed amino acid and the number of codons to the new
    stop, '?' where the part of the reference at hand ends before it.
    """
    first, last = reference.frame
    begin, end = max(variant.position, first), min(variant.end, last)
    inside = first <= variant.position <= last if variant.deleted else first < variant.position <= last
    if not inside and not (variant.deleted and begin <= end):
        return Effect("noncoding", "", 0)
    where, until = reference.codon(begin), reference.codon(max(end, begin))
    assert where is not None  # the frame lies in the coding sequence
    assert until is not None
    number = where[0]
    if variant.position < first and reference.codon(first) == (1, 0):
        return Effect("start-lost", "p.M1?", 1)
    change = len(variant.inserted) - len(variant.deleted)
    if change % 3:
        return _shifted(variant, reference, number)
    start = begin - where[1]
    stop = max(end, begin) + 2 - until[1]
    before = reference.span(start, stop)
    after = reference.span(start, variant.position - 1) + variant.inserted + reference.span(variant.end + 1, stop)
    old, new = translate(before), translate(after)
    kind = _changed(number, old, new)
    if change == 0:
        return Effect(kind, _replaced(number, old, new, kind), number)
    if number == 1 and new[:1] != "M":
        return Effect("start-lost", "p.M1?", 1)
    if "*" in old and new[: len(old)] == old:  # what follows the stop is not translated
        return Effect("silent", f"p.{old[0]}{number}=", number)
    kind = kind if kind in ("nonsense", "stop-lost") else "in-frame"
    return Effect(kind, _resized(number, old, new, reference), number)


def _replaced(number: int, old: str, new: str, kind: EffectKind) -> str:
    """Name of a substitution of amino acids by as many others."""
    if kind == "start-lost":
        return "p.M1?"
    if kind == "silent":
        return f"p.{old[0]}{number}="
    changed = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    first, last = changed[0], changed[-1]
    number += first
    old, new = old[first : last + 1], new[first : last + 1]
    if "*" in new:
        new = new[: new.index("*") + 1]
    if len(old) == 1 or len(new) == 1:
        return f"p.{old[0]}{number}{new[0]}"
    return f"p.{_span(number, old)}delins{new}"


def _resized(number: int, old: str, new: str, reference: Reference) -> str:
    """Name of a deletion or insertion of whole amino acids, shifted as far to the C-terminus as possible."""
    protein, first = reference.protein, (reference.codon(reference.frame[0]) or (1, 0))[0]
    if "*" in new:
        new = new[: new.index("*") + 1]
    while old and new and old[0] == new[0]:
        number, old, new = number + 1, old[1:], new[1:]
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    if new.startswith("*"):
        at = number - first  # beyond the last codon where a window ends before the stop
        return f"p.{protein[at] if at < len(protein) else '?'}{number}*"
    moved = old or new
    while bool(old) != bool(new) and number + len(old) - first < len(protein):
        following = protein[number + len(old) - first]
        if following != moved[0] or following == "*":
            break
        moved, number = moved[1:] + following, number + 1
        old, new = (moved, "") if old else ("", moved)
    if not old:
        again = number - len(new) - first
        if again >= 0 and protein[again : again + len(new)] == new:
            return f"p.{_span(number - len(new), new)}dup"
        before = protein[max(number - 1 - first, 0)]
        after = protein[min(number - first, len(protein) - 1)]
        return f"p.{before}{number - 1}_{after}{number}ins{new}"
    return f"p.{_span(number, old)}delins{new}" if new else f"p.{_span(number, old)}del"


def _span(number: int, amino: str) -> str:
    """Name of consecutive amino acids, given the number of the first."""
    one = f"{amino[0]}{number}"
    return one if len(amino) == 1 else f"{one}_{amino[-1]}{number + len(amino) - 1}"


def _shifted(variant: Variant, reference: Reference, number: int) -> Effect:
    """Effect of a change that shifts the reading frame."""
    first, last = reference.frame
    begin = first + 3 * (number - (reference.codon(first) or (1, 0))[0])
    old = reference.protein[(begin - first) // 3 :]
    new = translate(
        reference.span(begin, variant.position - 1) + variant.inserted + reference.span(variant.end + 1, reference.end)
    )
    if number == 1 and new[:1] != "M":
        return Effect("start-lost", "p.M1?", 1)
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new) - 1))
    stop = new.find("*", max(same, 0))
    letter = old[same] if 0 <= same < len(old) else "?"
    length = str(stop - same + 1) if stop >= 0 else "?"
    return Effect("frameshift", f"p.{letter}{number + max(same, 0)}fs*{length}", number)


def _substitution(reference: Reference, position: int, base: str) -> int:
    where = reference.codon(position)
    assert where is not None  # every position of the frame is in a codon
    number, phase = where
    codon = reference.span(position - phase, position - phase + 2)
    before, after = translate(codon), translate(codon[:phase] + base + codon[phase + 1 :])
    return EFFECTS.index(_changed(number, before, after))


def _changed(number: int, before: str, after: str) -> EffectKind:
    """Effect of replacing amino acids `before` by as many `after`, from codon `number` on."""
    if before == after:
        return "silent"
    if number == 1 and after[:1] != before[0]:
        return "start-lost"
    if "*" in after[: (before + "*").index("*")]:
        return "nonsense"
    if "*" in before and "*" not in after:
        return "stop-lost"
    return "missense"


def is_transition(a: str, b: str) -> bool:
    """Whether a substitution keeps the ring size: A and G, or C and T."""
    return a != b and (a in _PURINES) == (b in _PURINES)


def is_cpg(variant: Variant, reference: Reference) -> bool:
    """Whether a substitution is C>T or G>A at a CpG site, as deamination of methylated cytosine causes."""
    at = variant.position
    if (variant.deleted, variant.inserted) == ("C", "T"):
        return at < reference.end and reference.base(at + 1) == "G"
    if (variant.deleted, variant.inserted) == ("G", "A"):
        return at > reference.start and reference.base(at - 1) == "C"
    return False
