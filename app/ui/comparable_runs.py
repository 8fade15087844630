"""Which runs may stand beside each other: those that were judged on the same patients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cohortsmith.app.ui.session import same_patients, workspace

if TYPE_CHECKING:
    from pathlib import Path

    from cohortsmith.app.workspace import Entry


def comparable(entry: Entry, folder: Path, family: str) -> tuple[dict[str, Path], int]:
    """Families of all results that were judged on the same holdout, the chosen one first; how many were not."""
    found, apart = {family: folder}, 0
    for other in [entry, *(e for e in workspace().entries() if e.name != entry.name)]:
        if other.state != "finished" or other.kind not in ("run", "comparison", "study"):
            continue
        for name, place in other.members.items():
            if place == folder:
                continue
            if not same_patients(folder, place):
                apart += 1
                continue
            found[name if other.name == entry.name else f"{name}, {other.name}"] = place
    return found, apart
