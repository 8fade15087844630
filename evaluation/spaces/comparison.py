"""`Comparison`: the three cohorts every metric looks at, checked, aligned, and on one scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import LEAST, NotEvaluable
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

    The generator saw `train` only; `holdout` is real and unseen. Genes that differ in order only are put in train's
    order, sequences on the columns that any of the three has; labels are numbered by train's classes.

    Metrics on whole profiles read `z_train`, `z_holdout` and `z_synthetic`: what they hold of each data kind, and
    whatever else differs between kinds, is said by `view`.

    Attributes:
        train: real samples the generator was fitted on.
        holdout: real samples it never saw.
        synthetic: samples it made.
        known_variants: of sequences, variants known to occur in people, as from a table of published ones.
        image_models: of images, the networks that see them; without, pixels and their principal components have to do.

    Raises:
        DataError: different kinds, scales or features; a class that train has not; an empty side; NaN or infinity.
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
                raise DataError(f"{name} has no samples: give at least one sample a class")
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
        """How the cohorts are seen: everything that differs between data kinds."""
        return VIEWS[self.kind](self.train, self.holdout, self.synthetic, self.image_models)

    def seen_as(self, view: type[V]) -> V:
        """The view, of a metric that is for one data kind.

        Raises:
            NotEvaluable: the cohorts are of another.
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
        """Classes the holdout has and the synthetic cohort has not."""
        made = set(self.synthetic.y.tolist())
        return tuple(self.classes[c] for c in sorted(set(self.holdout.y.tolist()) - made))

    @property
    def z_train(self) -> Matrix:
        """Profiles of train, (n, d), in which Euclidean distances are taken."""
        return self.view.z_train

    @property
    def z_holdout(self) -> Matrix:
        """Holdout, (n, d), as `z_train` holds train."""
        return self.view.z_holdout

    @property
    def z_synthetic(self) -> Matrix:
        """Synthetic cohort, (n, d), as `z_train` holds train."""
        return self.view.z_synthetic

    def structureless(self, n: int, seed: int) -> Matrix:
        """A cohort of `n` without structure, (n, d), as `z_train` holds it.

        Every column is drawn as it is in train, independently of all others and of the class.
        """
        return self.view.structureless(n, seed)

    def draw(self, limit: int, seed: int) -> Draw:
        """Equally large draws of each side, at most `limit` samples a side, the same for the same seed.

        The holdout decides the class proportions, so that an evened-out synthetic population is not called unreal for
        its proportions. Where the synthetic cohort has too few of a class, fewer samples are drawn, but never less
        than half; what then lacks is made up from its other classes, so a class that is absent stays visible.

        Raises:
            NotEvaluable: fewer than 20 samples a side.
        """
        return self.view.draw(limit, seed)

    def require(self, what: str) -> None:
        """Raise `NotEvaluable` unless every side has at least 20 samples."""
        for name in SIDES:
            n = len(getattr(self, name))
            if n < LEAST:
                raise NotEvaluable(f"{what} needs at least {LEAST} samples a side, {name} has {n}")

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """Result of `make()`, kept for this comparison under `key`: several metrics share one computation."""
        return self.view.memo(key, make)
