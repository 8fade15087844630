"""`Comparison`: the three cohorts that every metric reads, checked, aligned, and on one scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import MIN_PER_SIDE, NotEvaluable
from cohortsmith.evaluation.spaces.cohort_matching import matched
from cohortsmith.evaluation.spaces.kind_view import KindView
from cohortsmith.evaluation.spaces.views import VIEWS

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from cohortsmith.data.sequences import Variant
    from cohortsmith.evaluation.core import Draw, ImageModels, Matrix

T = TypeVar("T")
V = TypeVar("V", bound=KindView)

SIDES = ("train", "holdout", "synthetic")


@dataclass(frozen=True, eq=False)
class Comparison:
    """Train, holdout and synthetic cohorts of one kind, with the same features, classes and scale.

    The generator was fitted on `train` only; `holdout` is unseen real data. Genes are put in train's
    order, sequences on the union of the three cohorts' columns; labels are numbered by train's classes.

    Metrics on whole profiles read `z_train`, `z_holdout` and `z_synthetic`; `view` defines them for each data kind,
    with everything else that differs between kinds.

    Attributes:
        train: real samples the generator was fitted on.
        holdout: real samples withheld from it.
        synthetic: its samples.
        known_variants: for sequences, published variants of real people, as from a table.
        image_models: for images, feature extractors; without them, pixels and their principal components are used.

    Raises:
        DataError: different kinds, scales or features; a class that train lacks; an empty side; NaN or infinity.
    """

    train: Cohort
    holdout: Cohort
    synthetic: Cohort
    known_variants: frozenset[Variant] = field(default=frozenset(), kw_only=True)
    image_models: ImageModels | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in SIDES:
            cohort: Cohort = getattr(self, name)
            if not isinstance(cohort, Cohort):
                raise DataError(f"{name} must be a Cohort; got {type(cohort).__name__}: read files with read_cohort")
            if not len(cohort):
                raise DataError(f"{name} has no samples: give at least one sample per class")
        for name, cohort in zip(SIDES, matched(self.train, self.holdout, self.synthetic), strict=True):
            object.__setattr__(self, name, cohort)
        for name in SIDES:
            cohort = getattr(self, name)
            VIEWS[cohort.kind].check_values(cohort, name)

    @property
    def kind(self) -> str:
        """Data kind of all three cohorts."""
        return self.train.kind

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, train's; `y` of all three cohorts are positions in it."""
        return self.train.classes

    @property
    def features(self) -> tuple[str, ...]:
        """Gene names in train's order, names of the alignment's columns, or the one of the pixel grid."""
        return self.train.features

    @cached_property
    def view(self) -> KindView:
        """The view of the cohorts: everything that differs between data kinds."""
        return VIEWS[self.kind](self.train, self.holdout, self.synthetic, self.image_models)

    def seen_as(self, view: type[V]) -> V:
        """The view, for metrics of one data kind.

        Raises:
            NotEvaluable: the cohorts are of another kind.
        """
        if not isinstance(self.view, view):
            raise NotEvaluable(f"it is not defined for {self.kind} data")
        return self.view

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `z_train`: genes, or edits such as '665G>A'."""
        return self.view.columns

    @cached_property
    def missing_classes(self) -> tuple[str, ...]:
        """Classes that the holdout has and the synthetic cohort lacks."""
        present = set(self.synthetic.y.tolist())
        return tuple(self.classes[c] for c in sorted(set(self.holdout.y.tolist()) - present))

    @property
    def z_train(self) -> Matrix:
        """Profiles of train, (n, d), in which Euclidean distances are taken."""
        return self.view.z_train

    @property
    def z_holdout(self) -> Matrix:
        """Profiles of the holdout, (n, d)."""
        return self.view.z_holdout

    @property
    def z_synthetic(self) -> Matrix:
        """Profiles of the synthetic cohort, (n, d)."""
        return self.view.z_synthetic

    def structureless(self, n: int, seed: int) -> Matrix:
        """Profiles of a structureless cohort of `n`, (n, d): the uninformed baseline of distances.

        Every column has its distribution in train, independently of all others and of the class.
        """
        return self.view.structureless(n, seed)

    def draw(self, limit: int, seed: int) -> Draw:
        """Equally large draws of each side, at most `limit` samples per side, the same for the same seed.

        Classes are drawn in the holdout's proportions, so that a class-balanced synthetic cohort is not penalised for
        its proportions. Where the synthetic cohort has too few of a class, fewer samples are drawn, but never less
        than half; a remaining shortfall is filled from its other classes, so a missing class stays visible.

        Raises:
            NotEvaluable: fewer than 20 samples per side.
        """
        return self.view.draw(limit, seed)

    def require(self, what: str) -> None:
        """Raise `NotEvaluable` unless every side has at least 20 samples."""
        for name in SIDES:
            n = len(getattr(self, name))
            if n < MIN_PER_SIDE:
                raise NotEvaluable(f"{what} needs at least {MIN_PER_SIDE} samples per side, {name} has {n}")

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """Result of `make()`, cached for this comparison under `key`: several metrics share one computation."""
        return self.view.memo(key, make)
