"""HGVS names of variants (coding DNA numbering), written and parsed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cohortsmith.data.sequences.variants import Variant, normalised

if TYPE_CHECKING:
    from cohortsmith.data.sequences.reference import Reference

# One position: coding (12), 5' of it (-12), 3' of it (*12); intronic offsets (+1) are not in an mRNA.
_PLACE = r"[-*]?\d+"
_NAME = re.compile(
    rf"(?:[\w.]+(?:\([^)]*\))?:)?([cn])\.({_PLACE})(?:_({_PLACE}))?"
    r"(?:([ACGTU]+)>([ACGTU]+)|(?:del([ACGTU]*|\d+))?(?:(ins|dup)([ACGTU]*|\d+))?)"
)


def hgvs(variant: Variant, reference: Reference) -> str:
    """Name of a variant, e.g. "c.524G>A", "c.80del", "c.216dup", "c.518_519insCGT", "c.216_217delinsT".

    Positions count from the A of the start codon; upstream they are negative, downstream of the stop codon they have a
    star ("c.*5"). Without a coding sequence they are plain positions, and the name begins with "n.".

    Source:
        HGVS nomenclature, den Dunnen et al. 2016, Hum Mutat 37:564. The variant is taken as it is:
        `call_variants` and `parse_hgvs` return the 3'-normalised form that the nomenclature requires.
    """
    kind = "n" if reference.cds is None else "c"
    first, last = variant.position, variant.end
    if variant.kind == "substitution":
        return f"{kind}.{_place(first, reference)}{variant.deleted}>{variant.inserted}"
    if variant.kind == "insertion":
        again = first - len(variant.inserted)
        if again >= reference.start and reference.span(again, first - 1) == variant.inserted:
            return f"{kind}.{_range(again, first - 1, reference)}dup"
        return f"{kind}.{_place(first - 1, reference)}_{_place(first, reference)}ins{variant.inserted}"
    name = f"{kind}.{_range(first, last, reference)}del"
    return f"{name}ins{variant.inserted}" if variant.inserted else name


def parse_hgvs(name: str, reference: Reference) -> Variant | None:
    """The variant that a name describes, 3'-normalised; None where the reference cannot express it.

    Deleted and duplicated bases may be spelled out or not ("c.80delC", "c.80del", "c.529_546del18"). None is returned
    for introns, positions outside the reference, bases that differ from the reference's, and anything that is not a
    name.
    """
    hit = _NAME.fullmatch(name.strip())
    if hit is None:
        return None
    kind, left, right, old, new, gone, word, put = hit.groups()
    first = _position(left, reference, kind)
    last = _position(right, reference, kind) if right else first
    if first is None or last is None or first > last:
        return None
    if word == "ins" and put and gone is None:  # also before the first base and after the last
        between = last == first + 1 and reference.start - 1 <= first <= reference.end and not put.isdigit()
        return normalised(Variant(last, "", put.replace("U", "T")), reference) if between else None
    if not reference.start <= first <= last <= reference.end:
        return None
    there = reference.span(first, last)
    if old:
        there = reference.span(first, first + len(old) - 1)
        if there != old.replace("U", "T"):
            return None
        return normalised(Variant(first, there, new.replace("U", "T")), reference)
    if gone is not None and not _says(gone, there):
        return None
    put = (put or "").replace("U", "T")
    if word == "dup":
        return normalised(Variant(last + 1, "", there), reference) if gone is None and _says(put, there) else None
    if gone is None or (word and not put) or put.isdigit():
        return None
    return normalised(Variant(first, there, put), reference)


def _says(text: str, bases: str) -> bool:
    """Whether the bases stated in a name (spelled out, counted or omitted) match the reference's."""
    return not text or text.replace("U", "T") == bases or (text.isdigit() and int(text) == len(bases))


def _place(position: int, reference: Reference) -> str:
    if reference.cds is None:
        return str(position)
    first, last = reference.cds
    if position > last:
        return f"*{position - last}"
    return str(position - first + 1 if position >= first else position - first)


def _range(first: int, last: int, reference: Reference) -> str:
    one = _place(first, reference)
    return one if first == last else f"{one}_{_place(last, reference)}"


def _position(place: str, reference: Reference, kind: str) -> int | None:
    """Reference position of a position in a name; None without a coding sequence to count from."""
    if kind == "n":
        return int(place) if place.isdecimal() else None
    if reference.cds is None:
        return None
    first, last = reference.cds
    if place.startswith("*"):
        return last + int(place[1:])
    return first + int(place) - (0 if place.startswith("-") else 1)
