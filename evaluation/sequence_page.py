"""The report's pictures of a cohort of sequences: alignment, variants, kinds of variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.alignment_view import alignment
from evaluation.carriers import tally
from evaluation.page import gallery
from evaluation.sequence_figures import variants
from evaluation.spectrum_figures import spectrum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.comparison import Comparison
    from evaluation.estimate import Estimate
    from evaluation.page import Section


def facts(comparison: Comparison) -> dict[str, str]:
    """What the top of the report says of the positions and what they are read against."""
    first, last = comparison.features[0], comparison.features[-1]
    return {
        "Positions": f"{len(comparison.features):,} ({first} to {last})",
        "Reference": comparison.reference.name,
    }


def pictures(_: Sequence[Estimate], comparison: Comparison) -> list[Section]:
    """Sections with the pictures of a cohort of sequences."""
    counted = tally(comparison)
    return [
        ("alignment", "Alignment", alignment(comparison, counted.short_title)),
        ("variants", "Variants", gallery("variants", variants(counted))),
        ("spectrum", "Kinds of variants", gallery("spectrum", spectrum(counted))),
    ]
