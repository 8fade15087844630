"""`Comparison`: the three cohorts every metric looks at, checked, aligned, and on one scale."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from cohortsmith.data.cohort import Cohort
from cohortsmith.data.errors import DataError
from cohortsmith.data.scale import log_expression
from cohortsmith.data.sequences import call_cohort, reference_of
from cohortsmith.evaluation.core.cohort_matching import matched
from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.core.pixel_scale import Matrix, PixelScale
from cohortsmith.evaluation.core.sequence_edits import Edits, consensus, edits_of, independent

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from numpy.typing import NDArray

    from cohortsmith.data.sequences import Reference, Variant
    from cohortsmith.evaluation.core.image_models import ImageModels, Images

T = TypeVar("T")

LEAST = 20
SIDES = ("train", "holdout", "synthetic")


class Rows(NamedTuple):
    """Rows of the holdout, the synthetic cohort and train, (n,) each."""

    real: NDArray[np.int64]
    synthetic: NDArray[np.int64]
    reference: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Draw:
    """Equally large random draws of each side, rows in random order, as `Comparison.z_train` holds them.

    Attributes:
        real: (n, d) from the holdout.
        synthetic: (n, d) from the synthetic cohort, classes in the holdout's proportions as far as it has them.
        reference: (n, d) from train: real data in the synthetic cohort's place.
        structureless: (n, d) drawn column by column without structure, see `Comparison.structureless`.
        real_y: (n,) classes of `real`.
        synthetic_y: (n,) classes of `synthetic`.
        reference_y: (n,) classes of `reference`.
        apart: rows of train that are not in `reference`, at least a third: what is fitted on train is fitted on these,
            so that `reference` is as new to it as the holdout.
        rows: where in their cohorts `real`, `synthetic` and `reference` come from, (n,) each.
    """

    real: Matrix
    synthetic: Matrix
    reference: Matrix
    structureless: Matrix
    real_y: NDArray[np.int64]
    synthetic_y: NDArray[np.int64]
    reference_y: NDArray[np.int64]
    apart: NDArray[np.int64]
    rows: Rows

    def __len__(self) -> int:
        return len(self.real)

    def mapped(self, change: Callable[[Matrix, str], Matrix]) -> Draw:
        """The same samples in another space: `change(x, side)` for each side."""
        return replace(
            self,
            real=change(self.real, "real"),
            synthetic=change(self.synthetic, "synthetic"),
            reference=change(self.reference, "reference"),
            structureless=change(self.structureless, "structureless"),
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Train, holdout and synthetic cohorts of one kind, with the same features, classes and scale.

    The generator saw `train` only; `holdout` is real and unseen. Genes that differ in order only are put in train's
    order, sequences on the columns that any of the three has; labels are numbered by train's classes.

    Metrics on whole profiles read `z_train`, `z_holdout` and `z_synthetic`. Expression: log values, each gene
    standardised by train. Sequences: one column an edit (a symbol other than train's consensus that occurs in any of
    the three), 1 for those who have it and 0 for the others, so that a squared distance counts differing edits. Images:
    means of tiles of 2 x 2 pixels, in train's standard deviations of the channel.

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
    _memory: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False)

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
            if cohort.kind == "expression" and not np.isfinite(cohort.x).all():
                gene = cohort.features[int(np.argmin(np.isfinite(cohort.x).all(axis=0)))]
                raise DataError(f"{name} has NaN or infinite values, first in gene {gene}: impute or drop them first")

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

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `z_train`: genes, or edits such as '665G>A'."""
        return self.edits.names(self.features) if self.kind == "sequence" else self.features

    @cached_property
    def edits(self) -> Edits:
        """Edits from train's consensus that occur in any of the three cohorts of sequences."""
        own = consensus(self.train.x)
        return edits_of(own, self.train.x, self.holdout.x, self.synthetic.x)

    @cached_property
    def reference(self) -> Reference:
        """What the sequences are read against: `cohortsmith.data.sequences.reference.reference_of(train)`."""
        return reference_of(self.train)

    def variants(self, side: str) -> list[tuple[Variant, ...]]:
        """Variants of each sequence of "train", "holdout" or "synthetic" against `reference`, called once."""
        return self.memo(("variants", side), lambda: call_cohort(getattr(self, side), self.reference))

    @cached_property
    def missing_classes(self) -> tuple[str, ...]:
        """Classes the holdout has and the synthetic cohort has not."""
        made = set(self.synthetic.y.tolist())
        return tuple(self.classes[c] for c in sorted(set(self.holdout.y.tolist()) - made))

    @cached_property
    def log_train(self) -> Matrix:
        """Train on the log scale, (n, genes)."""
        return np.asarray(log_expression(self.train), dtype=np.float32)

    @cached_property
    def location(self) -> Matrix:
        """Train's mean of each gene on the log scale, (genes,)."""
        return np.asarray(self.log_train.mean(axis=0, dtype=np.float64), dtype=np.float32)

    @cached_property
    def spread(self) -> Matrix:
        """Train's standard deviation of each gene on the log scale, (genes,); 1 for a gene constant in train."""
        sd = self.log_train.std(axis=0, dtype=np.float64)
        return np.where(sd > 1e-6, sd, 1.0).astype(np.float32)

    @cached_property
    def pixels(self) -> PixelScale:
        """Mean and standard deviation of each channel over train's images."""
        return PixelScale(self.train.x)

    @cached_property
    def z_train(self) -> Matrix:
        """Train, (n, d): each gene's log values standardised by train, or edits, or tiles of pixels."""
        return self._profiles(self.train)

    @cached_property
    def z_holdout(self) -> Matrix:
        """Holdout, (n, d), as `z_train` holds train."""
        return self._profiles(self.holdout)

    @cached_property
    def z_synthetic(self) -> Matrix:
        """Synthetic cohort, (n, d), as `z_train` holds train."""
        return self._profiles(self.synthetic)

    def _profiles(self, cohort: Cohort) -> Matrix:
        if self.kind == "sequence":
            return self.edits.matrix(cohort.x)
        if self.kind == "image":
            return self.pixels.profiles(cohort.x)
        values = self.log_train if cohort is self.train else log_expression(cohort)
        return np.asarray((values - self.location) / self.spread, dtype=np.float32)

    def structureless(self, n: int, seed: int) -> Matrix:
        """A cohort of `n` without structure, (n, d), as `z_train` holds it.

        Every gene N(train mean, train sd), or every column of the alignment at train's frequencies, or every pixel
        N(mean, sd of its channel in train), independently of all others and of the class.
        """
        if self.kind == "image":
            return self.pixels.profiles(self.structureless_images(n, seed))
        rng = np.random.default_rng([seed, 77])
        if self.kind == "sequence":
            return self.edits.matrix(independent(self.train.x, n, rng))
        return rng.standard_normal((n, len(self.features)), dtype=np.float32)

    def structureless_images(self, n: int, seed: int) -> Images:
        """The images behind `structureless`, uint8 (n, height, width, channels): coloured noise."""
        shape, rng = self.train.x.shape[1:], np.random.default_rng([seed, 77])
        return self.memo(("structureless", n, seed), lambda: self.pixels.noise(n, shape, rng))

    def draw(self, limit: int, seed: int) -> Draw:
        """Equally large draws of each side, at most `limit` samples a side, the same for the same seed.

        The holdout decides the class proportions, so that an evened-out synthetic population is not called unreal for
        its proportions. Where the synthetic cohort has too few of a class, fewer samples are drawn, but never less
        than half; what then lacks is made up from its other classes, so a class that is absent stays visible.

        Raises:
            NotEvaluable: fewer than 20 samples a side.
        """
        return self.memo(("draw", limit, seed), lambda: self._draw(limit, seed))

    def _draw(self, limit: int, seed: int) -> Draw:
        rng = np.random.default_rng([seed, 11])
        k = len(self.classes)
        have = {
            name: np.bincount(y, minlength=k)
            for name, y in (("real", self.holdout.y), ("synthetic", self.synthetic.y), ("train", self.train.y))
        }
        most = min(limit, len(self.holdout), len(self.synthetic), len(self.train) * 2 // 3)
        share = have["real"] / have["real"].sum()
        present = (share > 0) & (have["synthetic"] > 0)
        fits = min((have["synthetic"][present] / share[present]).min(initial=most), most)
        n = max(int(fits), (most + 1) // 2)
        if n < LEAST:
            sizes = f"train {len(self.train)}, holdout {len(self.holdout)}, synthetic {len(self.synthetic)}"
            raise NotEvaluable(f"it needs at least {LEAST} samples a side in like proportions, here {n} ({sizes})")
        quota = proportional(share, n)
        rows = {
            "real": pick(self.holdout.y, quota, rng),
            "synthetic": pick(self.synthetic.y, quota, rng),
            "train": pick(self.train.y, quota, rng),
        }
        return Draw(
            real=self.z_holdout[rows["real"]],
            synthetic=self.z_synthetic[rows["synthetic"]],
            reference=self.z_train[rows["train"]],
            structureless=self.structureless(n, seed),
            real_y=self.holdout.y[rows["real"]],
            synthetic_y=self.synthetic.y[rows["synthetic"]],
            reference_y=self.train.y[rows["train"]],
            apart=np.setdiff1d(np.arange(len(self.train)), rows["train"]),
            rows=Rows(rows["real"], rows["synthetic"], rows["train"]),
        )

    def require(self, what: str) -> None:
        """Raise `NotEvaluable` unless every side has at least 20 samples."""
        for name in SIDES:
            n = len(getattr(self, name))
            if n < LEAST:
                raise NotEvaluable(f"{what} needs at least {LEAST} samples a side, {name} has {n}")

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """Result of `make()`, kept for this comparison under `key`: several metrics share one computation."""
        if key not in self._memory:
            self._memory[key] = make()
        value: T = self._memory[key]
        return value


def pick(y: NDArray[np.int64], quota: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Rows with `quota[c]` samples of each class c, in random order; what a class lacks comes from the others.

    Args:
        y: (n,) classes.
        quota: (classes,) number of samples wanted of each.
        rng: source of chance.
    """
    order = rng.permutation(len(y))
    rank = np.empty(len(y), dtype=np.int64)
    for c in range(len(quota)):
        mine = order[y[order] == c]
        rank[mine] = np.arange(len(mine))
    taken = rank < quota[y]
    chosen = order[taken[order]]
    spare = order[~taken[order]][: int(quota.sum()) - len(chosen)]
    return rng.permutation(np.concatenate([chosen, spare]))


def proportional(share: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """How many of `n` each class gets at the given shares, (classes,), by largest remainder."""
    exact = share * n
    quota = np.floor(exact).astype(np.int64)
    quota[np.argsort(quota - exact, kind="stable")[: n - int(quota.sum())]] += 1
    return quota
