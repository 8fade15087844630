"""`SequenceView`: sequences as edits from train's consensus, and as variants from a reference."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from cohortsmith.data.errors import DataError
from cohortsmith.data.sequences import call_cohort, on_columns, reference_of, shared_columns
from cohortsmith.evaluation.core import Edits, Matrix, Stream, consensus, edits_of, independent
from cohortsmith.evaluation.spaces.kind_view import KindView, Sides, Words
from cohortsmith.evaluation.spaces.sequence_statistics import COUNTS, MOST, SHARE, Traits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.data.sequences import Reference, Variant
    from cohortsmith.evaluation.core import Draw
    from cohortsmith.evaluation.spaces.kind_view import Halving

CARRIERS = 2  # an edit of a single sequence is uninformative about others
MIN_CARRIERS = 5  # of an edit that discriminators read: enough for a stable frequency
SECRET = 0.1  # share of patients above which an edit is no secret


class SequenceView(KindView):
    """Profiles have one column per edit: a symbol other than train's consensus that occurs in any of the three cohorts.

    1 for carriers and 0 for others. Structureless is every column of the alignment at train's frequencies.
    """

    words: ClassVar[Words] = Words(
        profiles="edits",
        half="half of the positions",
        sought="edits that fewer than 10 % of patients carry",
        known="half of the positions",
        secret="edits elsewhere that fewer than 10 % of patients carry",
        score="Jaccard index of true and inferred edits",
    )
    presence: ClassVar[bool] = True

    @classmethod
    def aligned(cls, cohorts: dict[str, Cohort]) -> dict[str, Cohort]:
        """Sequences on the union of the cohorts' columns; missing insertion columns are gaps.

        Raises:
            DataError: they are aligned to different references, or a column other than an insertion is missing.
        """
        first, *others = cohorts.items()
        own = first[1].provenance.get("reference") or ""
        for name, cohort in others:
            aligned_to = cohort.provenance.get("reference") or ""
            if aligned_to and own and aligned_to != own:
                raise DataError(
                    f"{name} is aligned to {aligned_to}, {first[0]} to {own}: read all with the same --reference"
                )
        if all(cohort.features == first[1].features for _, cohort in others):
            return dict(cohorts)
        columns = shared_columns(*cohorts.values())
        return {name: on_columns(cohort, columns) for name, cohort in cohorts.items()}

    @cached_property
    def edits(self) -> Edits:
        """Edits from train's consensus that occur in any of the three cohorts."""
        own = consensus(self.train.x)
        return edits_of(own, self.train.x, self.holdout.x, self.synthetic.x)

    @cached_property
    def reference(self) -> Reference:
        """The reference of variant calling: `cohortsmith.data.sequences.reference_of(train)`."""
        return reference_of(self.train)

    def variants(self, side: str) -> list[tuple[Variant, ...]]:
        """Variants of each sequence of "train", "holdout" or "synthetic" against `reference`; cached."""
        return self.memo(("variants", side), lambda: call_cohort(getattr(self, side), self.reference))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the edits, such as '665G>A'."""
        return self.edits.names(self.train.features)

    def profiles(self, cohort: Cohort) -> Matrix:
        """Edits of each sequence, 0 or 1, (n, edits)."""
        return self.edits.matrix(cohort.x)

    def structureless(self, n: int, seed: int) -> Matrix:
        """Each column at train's frequencies, as edits, (n, edits)."""
        return self.edits.matrix(independent(self.train.x, n, np.random.default_rng([seed, Stream.STRUCTURELESS])))

    def neighbour_draw(self, limit: int, seed: int) -> Draw:
        """The edits themselves: principal components would lose the rare ones."""
        return self.draw(limit, seed)

    @property
    def neighbour_space(self) -> str:
        """Name of the space of `neighbour_draw`."""
        return "edits"

    def traits(self, least: int | None = None) -> Traits:
        """At most 300 edits, the most frequent ones of the three cohorts pooled.

        Args:
            least: fewest carriers of an edit with a column of its own; by default 0.25 % of all sequences, at least 5.
        """

        def make() -> Traits:
            sides = (self.z_train, self.z_holdout, self.z_synthetic)
            carriers = np.sum([np.count_nonzero(z, axis=0) for z in sides], axis=0)
            enough = max(MIN_CARRIERS, int(SHARE * sum(map(len, sides)))) if least is None else least
            order = np.argsort(-carriers, kind="stable")[:MOST]
            return Traits(self.edits, np.sort(order[carriers[order] >= enough]))

        return self.memo(("traits", least), make)

    def traits_of(self, side: str, least: int | None = None) -> Matrix:
        """Traits of "train", "holdout" or "synthetic", (n, traits)."""
        return self.memo(("traits", least, side), lambda: self.traits(least).matrix(getattr(self, side).x))

    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """Traits: columns of shared edits, and counts of all edits."""
        rows = self.draw(limit, seed).rows
        at = (("holdout", rows.real), ("synthetic", rows.synthetic), ("train", rows.reference))
        edits = self.columns
        names = (*(edits[i] for i in self.traits().shared), *COUNTS)
        return Sides(*(self.traits_of(side)[where] for side, where in at)), names

    def classified(self, side: str) -> Any:
        """Traits: columns of edits with at least two carriers, and counts."""
        return self.traits_of(side, CARRIERS)

    def predicate_space(self, sides: dict[str, Matrix], rng: np.random.Generator) -> dict[str, Matrix]:
        """All edits."""
        return sides

    def halvings(self, rng: np.random.Generator) -> list[Halving]:
        """Random splits of the positions; all edits of a position are on one side."""
        return self._halved(self.edits.column, None, rng)

    def secrets(self, columns: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """All edits that at most 10 % of patients carry."""
        carriers = self.z_train[:, columns].sum(axis=0) + self.z_holdout[:, columns].sum(axis=0)
        rare: NDArray[np.int64] = columns[carriers <= SECRET * (len(self.train) + len(self.holdout))]
        return rare
