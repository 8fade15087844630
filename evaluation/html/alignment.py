"""Alignment of patients as they differ from the reference: what of it is shown, drawn by `alignment_drawing`.

Real patients appear as sequences that at least five of them share and as frequencies that rest on at least five;
synthetic ones also singly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.nucleotides import ALPHABET, GAP, MASKED
from cohortsmith.data.sequences import REFERENCES, translate
from cohortsmith.evaluation.core import MINIMUM
from cohortsmith.evaluation.html.alignment_drawing import CELL, GUTTER, LETTERS, ROOM, Block, Canvas, Row
from cohortsmith.evaluation.html.environment import fill
from cohortsmith.evaluation.spaces import SequenceView, real_patients

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup
    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Reference, Variant
    from cohortsmith.evaluation.spaces import Comparison

    Codes = NDArray[np.uint8]
    Subjects = NDArray[np.str_]
    Called = Sequence[tuple[Variant, ...]]

SHARED_ROWS = 10  # distinct sequences per cohort
SINGLE_ROWS = 12  # synthetic patients
_TOGETHER = 6  # columns outside the reading frame in one block
_NAMES = 21  # letters of a row's variants


def variant_alignment(comparison: Comparison, name_of: Callable[[Variant], str]) -> Markup:
    """Figure of the alignment as HTML, or a sentence where there are too few real patients.

    Args:
        comparison: cohorts of sequences on shared columns.
        name_of: short name of a variant, plain text.
    """
    reference = comparison.seen_as(SequenceView).reference
    train, holdout, synthetic = comparison.train, comparison.holdout, comparison.synthetic
    people = np.concatenate(real_patients(comparison))
    # A consensus of few patients would be the sequence of one of them.
    least = MINIMUM if reference.name in REFERENCES else 5 * MINIMUM
    if (patients := len(np.unique(people))) < least:
        return fill("macros.html", "note", f"Fewer than {least} real patients: the alignment is not drawn.")
    base = _reference_codes(reference, train.features)
    real = np.concatenate([_without_masks(train.x, base), _without_masks(holdout.x, base)])
    made = _without_masks(synthetic.x, base)
    makers = len(np.unique(synthetic.subjects))

    called = [
        *comparison.seen_as(SequenceView).variants("train"),
        *comparison.seen_as(SequenceView).variants("holdout"),
    ]
    common, others = shared_rows(real, people, called, name_of, MINIMUM)
    drawn = comparison.seen_as(SequenceView).variants("synthetic")
    common_made, others_made = shared_rows(made, synthetic.subjects, drawn, name_of, 2)
    single = _single_rows(comparison, made, drawn, name_of)

    counts, counts_made = carried(real, people, base, MINIMUM), carried(made, synthetic.subjects, base, 1)
    weight = (counts.sum(axis=1) / patients + counts_made.sum(axis=1) / makers).astype(np.float64)
    weight[np.any([row.codes != base for row in [*common, *common_made, *single]], axis=0)] += 10
    blocks = _widest(_blocks(reference, train.features, base, weight))
    if not blocks:
        return fill("macros.html", "note", "No sequence differs from the reference.")
    canvas = Canvas(blocks, base)
    canvas.ruler()
    canvas.reference(reference.name)
    canvas.heading(f"Real patients: train and holdout, {patients:,}")
    canvas.frequencies(counts / patients, _in_block(real, people, counts, blocks) / patients, "–")
    canvas.rows(common)
    canvas.remark(others)
    canvas.heading(f"Virtual patients, {makers:,}")
    canvas.frequencies(counts_made / makers, _in_block(made, synthetic.subjects, counts_made, blocks) / makers, "0")
    canvas.rows(common_made)
    canvas.remark(others_made)
    canvas.heading("Single virtual patients, drawn at random from each class")
    canvas.rows(single)
    what = f"{len(blocks)} {'codons' if reference.cds is not None else 'positions'}"
    text = (
        f"{what} at which sequences differ from {reference.name}, side by side; those between are left out. Dots: the "
        "base of the reference; colours: another base. Bars: share of patients with another base (heights: its cube "
        f"root), in per cent under each. Of real patients only what at least {MINIMUM} of them share; –: fewer or none."
    )
    return fill("alignment.html", "figure", text[:1].upper() + text[1:], LETTERS, canvas.svg())


def _reference_codes(reference: Reference, columns: Sequence[str]) -> Codes:
    """Code of the reference in each column of the cohort; a gap in columns that it has not."""
    at = {name: int(code) for name, code in zip(reference.column_names, reference.codes, strict=True)}
    return np.asarray([at.get(name, GAP) for name in columns], dtype=np.uint8)


def _without_masks(x: Codes, base: Codes) -> Codes:
    """The same codes with unknown bases read as the reference's."""
    return np.where(x == MASKED, base, x).astype(np.uint8)


def carried(x: Codes, subjects: Subjects, base: Codes, least: int) -> NDArray[np.int64]:
    """Patients with each symbol in each column, (columns, 5); 0 for the reference's own and below `least`."""
    order = np.argsort(subjects, kind="stable")
    starts = np.flatnonzero(np.r_[True, subjects[order][1:] != subjects[order][:-1]])
    sorted_x = x[order]
    counts = np.stack(
        [np.logical_or.reduceat(sorted_x == code, starts, axis=0).sum(axis=0) for code in range(GAP + 1)], axis=1
    )
    counts[np.arange(len(base)), base] = 0
    return np.where(counts >= least, counts, 0).astype(np.int64)


def _in_block(x: Codes, subjects: Subjects, counts: NDArray[np.int64], blocks: Sequence[Block]) -> NDArray[np.float64]:
    """Patients who differ in each block by a symbol that is counted in its column, (blocks,)."""
    found = np.zeros(len(blocks))
    for i, block in enumerate(blocks):
        differs = np.any([(counts[c] > 0)[x[:, c]] for c in block.columns], axis=0)
        found[i] = len(np.unique(subjects[differs]))
    return found


def _blocks(
    reference: Reference, columns: Sequence[str], base: Codes, weight: NDArray[np.float64]
) -> list[tuple[float, Block]]:
    """Blocks with a difference, in order: columns of one codon; outside the reading frame those next to each other.

    A column that the reference has not (an insertion) belongs to the block before it, and is left out unless something
    stands there.
    """
    position = {name: reference.start + i for i, name in enumerate(reference.column_names)}
    groups: list[tuple[list[int], int | None]] = []
    for column, name in enumerate(columns):
        place = position.get(name)
        codon = reference.codon(place) if place is not None else None
        inside = codon is not None and groups and groups[-1][1] == codon[0]
        if groups and (place is None or inside):
            groups[-1][0].append(column)
        else:
            groups.append(([column], codon[0] if codon else None))
    found: list[tuple[float, Block]] = []
    for members, number in groups:
        if not (heaviest := float(weight[members].max())) > 0:
            continue
        kept = tuple(c for c in members if base[c] != GAP or weight[c] > 0)
        bases = "".join(ALPHABET[base[c]] for c in members if base[c] != GAP)
        amino = translate(bases) if number is not None and len(bases) == 3 else ""
        label = f"{amino}{number}" if number is not None else ""
        block = Block(kept, label, columns[members[0]])
        before = found[-1] if found and not label and not found[-1][1].label else None
        if before and before[1].columns[-1] + 1 == kept[0] and len(before[1].columns) < _TOGETHER:
            joined = Block((*before[1].columns, *kept), "", before[1].ruler)
            found[-1] = (max(before[0], heaviest), joined)
        else:
            found.append((heaviest, block))
    return found


def _widest(blocks: Sequence[tuple[float, Block]]) -> list[Block]:
    """The heaviest blocks that fit beside each other, in their order."""
    room, chosen = ROOM, []
    for i in sorted(range(len(blocks)), key=lambda i: -blocks[i][0]):
        room -= max(3, len(blocks[i][1].columns)) * CELL + GUTTER
        if room < 0:
            break
        chosen.append(i)
    return [blocks[i][1] for i in sorted(chosen)]


def shared_rows(
    x: Codes, subjects: Subjects, called: Called, name_of: Callable[[Variant], str], least: int
) -> tuple[list[Row], str]:
    """Rows of the sequences that most patients share, at least `least` of them, and a word on the others.

    The patients left over are none or at least `least`, so that no smaller group is found as a difference.
    """
    packed = np.ascontiguousarray(x).view(np.dtype((np.void, x.shape[1]))).ravel()
    _, first, which = np.unique(packed, return_index=True, return_inverse=True)
    people, person = np.unique(subjects, return_inverse=True)
    pairs = np.unique(np.stack([which.ravel(), person.ravel()]), axis=1)
    counts = np.bincount(pairs[0], minlength=len(first))

    def left(shown: Sequence[int]) -> int:
        return len(np.unique(pairs[1][~np.isin(pairs[0], shown)]))

    order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i] >= least][:SHARED_ROWS]
    while order and 0 < left(order) < least:
        order.pop()
    rows = [
        Row(
            x[first[i]],
            f"{counts[i]:,} ({100 * counts[i] / len(people):.1f} %)",
            names_in(called[first[i]], name_of) or "as the reference",
        )
        for i in order
    ]
    if not order:
        return [], f"No sequence is shared by {least} patients or more."
    rest = left(order)
    return rows, f"and {len(first) - len(order):,} other sequences, of {rest:,} patients" if rest else ""


def _single_rows(comparison: Comparison, made: Codes, called: Called, name_of: Callable[[Variant], str]) -> list[Row]:
    """Rows of synthetic patients drawn at random, as many of each class as of the others."""
    y = comparison.synthetic.y
    rng = np.random.default_rng(0)
    present = np.unique(y)[:SINGLE_ROWS]
    rows = []
    for position in present:
        members = np.flatnonzero(y == position)
        chosen = np.sort(rng.choice(members, min(len(members), max(1, SINGLE_ROWS // len(present))), replace=False))
        label = int(position), comparison.classes[position]
        rows += [Row(made[i], "", names_in(called[i], name_of) or "as the reference", label) for i in chosen]
    return rows


def names_in(variants: Sequence[Variant], name_of: Callable[[Variant], str]) -> str:
    """Names of a sequence's variants, as many as find room, and how many more there are."""
    names = [name_of(variant) for variant in variants]
    for shown in range(len(names), 0, -1):
        text = " ".join(names[:shown]) + (f" +{len(names) - shown}" if shown < len(names) else "")
        if len(text) <= _NAMES:
            return text
    return names[0][: _NAMES - 5] + "…" + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else ""
