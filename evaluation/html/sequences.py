"""The report's pictures of a cohort of sequences: alignment, variants, variant types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cohortsmith.evaluation.html.alignment import variant_alignment
from cohortsmith.evaluation.html.layout import gallery
from cohortsmith.evaluation.plots import spectrum, variants
from cohortsmith.evaluation.spaces import SequenceView, tally

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cohortsmith.evaluation.core import Estimate
    from cohortsmith.evaluation.html.layout import Section
    from cohortsmith.evaluation.spaces import Comparison


def facts(comparison: Comparison) -> dict[str, str]:
    """What the top of the report says of the positions and of the reference."""
    first, last = comparison.features[0], comparison.features[-1]
    return {
        "Positions": f"{len(comparison.features):,} ({first} to {last})",
        "Reference": comparison.seen_as(SequenceView).reference.name,
    }


def pictures(_: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """Sections with the pictures of a cohort of sequences."""
    counted = tally(comparison)
    return [
        ("alignment", "Alignment", variant_alignment(comparison, counted.short_title)),
        ("variants", "Variants", gallery("variants", variants(counted))),
        ("spectrum", "Variant types", gallery("spectrum", spectrum(counted))),
    ]
