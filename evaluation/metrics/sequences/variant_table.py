"""The variants of a comparison of sequences as a table, with small-cell suppression for real patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cohortsmith.data.disclosure import MIN_PATIENTS
from cohortsmith.data.sequences import hgvs

if TYPE_CHECKING:
    from cohortsmith.evaluation.spaces import Tally

COLUMNS = ("variant", "protein", "kind", "real", "synthetic", "real_patients", "synthetic_patients")


def variant_rows(tally: Tally) -> pd.DataFrame:
    """One row per variant that any synthetic or enough real patients carry, the most frequent among real ones first.

    Columns: `variant` (HGVS), `protein`, `kind` of its effect, `real` and `synthetic` share of the patients who carry
    it, and the number of carriers; real values are missing where fewer than five carry it.
    """
    rows = []
    for variant in sorted({*tally.named(), *tally.synthetic.of}):
        known = tally.real.count(variant) >= MIN_PATIENTS
        rows.append(
            {
                "variant": hgvs(variant, tally.reference),
                "protein": tally.effects[variant].protein,
                "kind": tally.effects[variant].kind,
                "real": tally.real.share(variant) if known else None,
                "synthetic": tally.synthetic.share(variant),
                "real_patients": tally.real.count(variant) if known else None,
                "synthetic_patients": tally.synthetic.count(variant),
            }
        )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values(["real", "synthetic"], ascending=False, na_position="last", ignore_index=True)
