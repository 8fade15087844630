"""Variants of a sequence against its reference: substitutions, deletions and insertions in canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cohortsmith.data.sequences.reference import Reference

VariantKind = Literal["substitution", "deletion", "insertion", "delins"]


@dataclass(frozen=True, order=True)
class Variant:
    """One difference from a reference.

    Attributes:
        position: of the first deleted base, in the reference's numbering; a pure insertion is placed before it.
        deleted: bases of the reference that are removed, over ATCG.
        inserted: bases in their place.
    """

    position: int
    deleted: str
    inserted: str

    @property
    def kind(self) -> VariantKind:
        """Substitution (one base for one), deletion, insertion, or delins for anything else."""
        if not self.inserted:
            return "deletion"
        if not self.deleted:
            return "insertion"
        return "substitution" if len(self.deleted) == len(self.inserted) == 1 else "delins"

    @property
    def end(self) -> int:
        """Position of the last deleted base; for a pure insertion that of the base before it."""
        return self.position + len(self.deleted) - 1


def normalised(variant: Variant, reference: Reference, before: int | None = None) -> Variant:
    """The same change in canonical form: shared ends are trimmed, and an indel is shifted as far 3' as possible.

    HGVS nomenclature, general recommendations (Den Dunnen et al. 2016): the most 3' position possible is taken.

    Args:
        variant: any description of the change.
        reference: sequence that it changes.
        before: position that the shift must not pass, where the next variant begins; None for the end.
    """
    position, deleted, inserted = variant.position, variant.deleted, variant.inserted
    while deleted and inserted and deleted[0] == inserted[0]:
        position, deleted, inserted = position + 1, deleted[1:], inserted[1:]
    while deleted and inserted and deleted[-1] == inserted[-1]:
        deleted, inserted = deleted[:-1], inserted[:-1]
    stop = reference.end + 1 if before is None else before
    moved = deleted or inserted
    if bool(deleted) != bool(inserted):
        following = position + len(deleted)
        while following < stop and reference.base(following) == moved[0]:
            moved = moved[1:] + moved[0]
            position, following = position + 1, following + 1
        deleted, inserted = (moved, "") if deleted else ("", moved)
    return Variant(position, deleted, inserted)


def merged(variants: Iterable[Variant], reference: Reference) -> tuple[Variant, ...]:
    """Canonical form of all changes of one sequence, in order.

    Adjacent changes without an unchanged base between them are joined; each is `normalised`, at most up to the next
    change.

    Args:
        variants: changes that do not overlap, in order of position; they may be adjacent.
        reference: sequence that they change.
    """
    touching: list[Variant] = []  # joined first: part of a deletion would otherwise shift away from the rest
    for variant in variants:
        if touching and touching[-1].end + 1 >= variant.position:
            variant = _joined(touching.pop(), variant)
        touching.append(variant)
    out: list[Variant] = []
    for variant in reversed(touching):
        new = normalised(variant, reference, out[-1].position if out else None)
        while out and new.end + 1 >= out[-1].position:
            new = _joined(new, out.pop())
            new = normalised(new, reference, out[-1].position if out else None)
        if new.deleted or new.inserted:
            out.append(new)
    return tuple(reversed(out))


def applied(variants: Iterable[Variant], reference: Reference) -> str:
    """The reference's sequence with these non-overlapping changes applied."""
    parts, following = [], reference.start
    for variant in sorted(variants):
        parts += [reference.span(following, variant.position - 1), variant.inserted]
        following = variant.end + 1
    return "".join(parts) + reference.span(following, reference.end)


def _joined(one: Variant, following: Variant) -> Variant:
    return Variant(one.position, one.deleted + following.deleted, one.inserted + following.inserted)
