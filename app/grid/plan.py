"""The jobs of a grid, settled before any work."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cohortsmith.app.config import Arm, PretextSet, VirtualSet, arms_of, pretext_set
from cohortsmith.app.grid.checks import check_cohorts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.config import Grid
    from cohortsmith.data import Cohort


@dataclass(frozen=True)
class Planned:
    """The jobs of a grid, stage by stage, each needed by those after it.

    Attributes:
        virtual: sets of virtual patients.
        pretexts: pretrained networks, each with the classifier whose settings it has.
        arms: classifiers, each with the pretext it starts from.
        fusions: names of fusions, each with the arms of its members.
    """

    virtual: tuple[VirtualSet, ...]
    pretexts: Mapping[PretextSet, str]
    arms: Mapping[Arm, PretextSet | None]
    fusions: tuple[tuple[str, tuple[Arm, ...]], ...]

    def sizes(self) -> dict[str, int]:
        """Number of jobs of each stage."""
        parts = {"virtual patients": self.virtual, "pretexts": self.pretexts, "classifiers": self.arms}
        return {name: len(part) for name, part in parts.items()} | {"fusions": len(self.fusions)}


def plan_grid(grid: Grid, cohorts: Mapping[str, Cohort]) -> Planned:
    """Jobs of a grid, after every check that can be made before work.

    Raises:
        DataError: as `check` and `check_cohorts`.
    """
    pretexts = check_cohorts(grid, cohorts)
    arms: dict[Arm, PretextSet | None] = {}
    shared: dict[PretextSet, str] = {}
    for arm in arms_of(grid, pretexts):
        settings = pretexts.get((arm.data, arm.classifier))
        arms[arm] = pretext_set(grid, arm, settings) if settings else None
        if (wanted := arms[arm]) is not None:
            shared.setdefault(wanted, arm.classifier)
    virtual = tuple(dict.fromkeys(arm.virtual for arm in arms if arm.virtual))
    fusions = []
    for name, members in grid.fusions.items():
        for first in (arm for arm in arms if arm.classifier == members[0]):
            group = tuple(replace(first, classifier=member) for member in members)
            if all(arm in arms for arm in group):
                fusions.append((name, group))
    return Planned(virtual, shared, arms, tuple(fusions))
