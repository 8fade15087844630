"""`KindView`: how cohorts of one data kind are compared, with defaults that suit most kinds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.data.errors import DataError
from cohortsmith.data.scale import require_same_scale
from cohortsmith.evaluation.core import (
    MAX_FITTED,
    MIN_PER_SIDE,
    Draw,
    Matrix,
    NotEvaluable,
    Rows,
    Stream,
    pick,
    proportional,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import ImageModels

    See = Callable[[str, NDArray[np.int64], bool], Matrix]
    Halving = tuple[NDArray[np.int64], NDArray[np.int64]]

T = TypeVar("T")

COMPONENTS = 50
PER_COMPONENT = 5
DECIMALS = 4  # of a profile: samples that agree to so many are copies
COLUMNS = 1000  # at most, that an attacker knows or infers, and that predicates are built from
HALVINGS = 2


class Sides(NamedTuple):
    """Inputs of a discriminator, (n, d) each.

    Attributes:
        real: holdout samples.
        synthetic: synthetic ones, to be told from them.
        reference: train samples in place of the synthetic ones.
        real_beside_reference: the same holdout samples, for the comparison with `reference`; None where they are `real`
            themselves, since the columns do not depend on the two sides compared.
    """

    real: Matrix
    synthetic: Matrix
    reference: Matrix
    real_beside_reference: Matrix | None = None


class Space(NamedTuple):
    """A space in which membership is inferred.

    Attributes:
        words: its name.
        see: called with a side, rows, and whether these are attacked; gives the rows as points, (n, d).
        views: attacked rows have several views, concatenated to (views * n, d): for attacks by distance.
        by_distance_only: only attacks by distance are carried out in it.
    """

    words: str
    see: See
    views: bool = False
    by_distance_only: bool = False


class Words(NamedTuple):
    """Descriptions of a data kind's attacks.

    Attributes:
        profiles: what profiles consist of.
        half: attacker's knowledge in the attack of `risks`: half of a patient's columns.
        sought: what is inferred from it.
        known: attacker's knowledge in the attack of `attribute_disclosure`: the first of the halves.
        secret: what is inferred from it.
        score: how that is scored.
    """

    profiles: str
    half: str
    sought: str
    known: str
    secret: str
    score: str


class KindView(ABC):
    """Train, holdout and synthetic cohorts of one data kind, as inputs of metrics and attacks.

    A new kind defines how samples become rows (`profiles`), a cohort without structure (`structureless`), the inputs of
    discriminators (`discriminated`), and its `words`; it overrides defaults that do not suit it.

    Attributes:
        words: descriptions of attacks.
        column: name of a discriminator's columns.
        presence: columns of profiles are 0 or 1 (presence), so that a squared distance counts differences.
        by_class: neighbourhood metrics are computed per class, too.

    Args:
        train, holdout, synthetic: cohorts as returned by `matched`.
        image_models: for images, their feature extractors.
    """

    words: ClassVar[Words]
    column: ClassVar[str] = "trait"
    presence: ClassVar[bool] = False
    by_class: ClassVar[bool] = False

    def __init__(
        self, train: Cohort, holdout: Cohort, synthetic: Cohort, image_models: ImageModels | None = None
    ) -> None:
        self.train, self.holdout, self.synthetic = train, holdout, synthetic
        self.image_models = image_models
        self._cache: dict[Hashable, Any] = {}

    @classmethod
    def aligned(cls, cohorts: dict[str, Cohort]) -> dict[str, Cohort]:
        """Cohorts by name, on the same columns; unchanged where columns do not come from an alignment.

        Raises:
            DataError: they cannot be aligned.
        """
        return cohorts

    @classmethod
    def check_alike(cls, train: Cohort, cohort: Cohort, name: str) -> None:
        """Reject a cohort that is not measured as train is.

        Raises:
            DataError: another scale, where values have one, or values that look like it.
        """
        require_same_scale(train, cohort, name)

    @classmethod
    def check_values(cls, cohort: Cohort, name: str) -> None:
        """Reject values that cannot be compared.

        Raises:
            DataError: NaN or infinity; the message names the first column.
        """
        if cohort.about.measured and not np.isfinite(cohort.x).all():
            first = cohort.features[int(np.argmin(np.isfinite(cohort.x).all(axis=0)))]
            raise DataError(
                f"{name} has NaN or infinite values, first in {cls.column} {first}: impute or drop them first"
            )

    # Profiles

    @abstractmethod
    def profiles(self, cohort: Cohort) -> Matrix:
        """Samples as rows, (n, d), in which Euclidean distances are taken."""

    @abstractmethod
    def structureless(self, n: int, seed: int) -> Matrix:
        """Profiles of `n` samples whose columns are drawn independently of each other and of the class, (n, d)."""

    @cached_property
    def z_train(self) -> Matrix:
        """Profiles of train, (n, d)."""
        return self.profiles(self.train)

    @cached_property
    def z_holdout(self) -> Matrix:
        """Profiles of the holdout, (n, d)."""
        return self.profiles(self.holdout)

    @cached_property
    def z_synthetic(self) -> Matrix:
        """Profiles of the synthetic cohort, (n, d)."""
        return self.profiles(self.synthetic)

    def z(self, side: str) -> Matrix:
        """Profiles of "train", "holdout" or "synthetic", (n, d)."""
        profiles: Matrix = getattr(self, f"z_{side}")
        return profiles

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of profiles."""
        return self.train.features

    # Draws

    def draw(self, limit: int, seed: int) -> Draw:
        """Equally large draws of profiles of each side; see `Comparison.draw`."""
        return self.memo(("draw", limit, seed), lambda: self._draw(limit, seed))

    def _draw(self, limit: int, seed: int) -> Draw:
        rng = np.random.default_rng([seed, Stream.DRAW])
        k = len(self.train.classes)
        have = {
            name: np.bincount(y, minlength=k)
            for name, y in (("real", self.holdout.y), ("synthetic", self.synthetic.y), ("train", self.train.y))
        }
        most = min(limit, len(self.holdout), len(self.synthetic), len(self.train) * 2 // 3)
        share = have["real"] / have["real"].sum()
        present = (share > 0) & (have["synthetic"] > 0)
        fits = min((have["synthetic"][present] / share[present]).min(initial=most), most)
        n = max(int(fits), (most + 1) // 2)
        if n < MIN_PER_SIDE:
            sizes = f"train {len(self.train)}, holdout {len(self.holdout)}, synthetic {len(self.synthetic)}"
            raise NotEvaluable(
                f"it needs at least {MIN_PER_SIDE} samples per side in equal class proportions, here {n} ({sizes})"
            )
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
            fitting_rows=np.setdiff1d(np.arange(len(self.train)), rows["train"]),
            rows=Rows(rows["real"], rows["synthetic"], rows["train"]),
        )

    def components_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` in train's principal components, (n, components) per side.

        At most 50 components, one for every 5 samples, fitted on train samples outside the draw: samples have more
        variance along components fitted on themselves, which would bias the real-vs-real reference.
        """

        def make() -> Draw:
            draw = self.draw(limit, seed)
            z = self.z_train[
                np.random.default_rng([seed, Stream.COMPONENTS]).permutation(draw.fitting_rows)[:MAX_FITTED]
            ]
            components = max(1, min(COMPONENTS, z.shape[1], len(z) // PER_COMPONENT))
            if self.presence:  # edits of a single patient contribute to none of the first components
                shared = np.count_nonzero(z, axis=0) > 1
                shared[0] |= not shared.any()
                z, draw = z[:, shared], draw.mapped(lambda x, _: x[:, shared])
                components = min(components, z.shape[1])
            # The exact solver is cheap only for few columns; the randomised one is seeded.
            solver = "full" if z.shape[1] <= 2 * COMPONENTS else "randomized"
            with np.errstate(invalid="ignore"):  # equal samples have no variance to take a share of
                pca = PCA(components, svd_solver=solver, random_state=seed).fit(z)
            return draw.mapped(lambda x, _: np.asarray(pca.transform(x), dtype=np.float32))

        return self.memo(("components draw", limit, seed), make)

    def pooled_components(self, limit: int, seed: int) -> tuple[Matrix, Matrix, Matrix, Matrix]:
        """`draw(limit, seed)` in principal components of the two sides compared: the fields of `Sides`, (n, d) each.

        For discriminators: train is told from the holdout on its own components alone, which would reward a generator
        that keeps train's directions. So train has no part in the components on which synthetic samples are judged.
        """

        def pooled(real: Matrix, other: Matrix) -> tuple[Matrix, Matrix]:
            sides = np.concatenate([real, other])
            components = max(1, min(COMPONENTS, sides.shape[1], len(real) // PER_COMPONENT))
            solver = "full" if sides.shape[1] <= 2 * COMPONENTS else "randomized"
            with np.errstate(invalid="ignore"):  # equal samples have no variance to take a share of
                codes = PCA(components, svd_solver=solver, random_state=seed).fit(sides).transform(sides)
            codes = np.asarray(codes, dtype=np.float32)
            return codes[: len(real)], codes[len(real) :]

        def make() -> tuple[Matrix, Matrix, Matrix, Matrix]:
            draw = self.draw(limit, seed)
            real, synthetic = pooled(draw.real, draw.synthetic)
            beside_reference, reference = pooled(draw.real, draw.reference)
            return real, synthetic, reference, beside_reference

        return self.memo(("pooled components", limit, seed), make)

    def embedded_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` in a space fitted on train outside the draw, (n, d) per side."""
        return self.components_draw(limit, seed)

    @property
    def space(self) -> str:
        """Name of the space of `embedded_draw`."""
        return "principal components of train"

    def neighbour_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` in the space of the neighbourhood metrics, (n, d) per side."""
        return self.embedded_draw(limit, seed)

    @property
    def neighbour_space(self) -> str:
        """Name of the space of `neighbour_draw`."""
        return self.space

    # Inputs of classifiers

    @abstractmethod
    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """Inputs of discriminators from `draw(limit, seed)`, and the names of their columns."""

    def boosted(self, limit: int, seed: int) -> Sides:
        """Inputs of gradient boosting from `draw(limit, seed)`: its cost is columns times samples."""
        return self.discriminated(limit, seed)[0]

    def classified(self, side: str) -> Any:
        """Inputs of a classifier of the classes, for one side."""
        return self.z(side)

    @property
    def by_network(self) -> bool:
        """Whether classifiers are the networks of `image_models`."""
        return False

    # Copies, and inputs of attacks

    def identity(self, side: str) -> NDArray[Any]:
        """Rows of a side, (n, d), equal if and only if one sample is a copy of the other."""
        return np.round(self.z(side), DECIMALS)

    def membership_spaces(self) -> Iterator[Space]:
        """Spaces in which membership is inferred."""
        yield Space(self.words.profiles, lambda side, rows, _: self.z(side)[rows])

    def predicate_space(self, sides: dict[str, Matrix], rng: np.random.Generator) -> dict[str, Matrix]:
        """Columns of singling-out predicates, from profiles of each side: (n, d) each."""
        width = sides["train"].shape[1]
        if width > COLUMNS:
            chosen = rng.permutation(width)[:COLUMNS]
            sides = {name: x[:, chosen] for name, x in sides.items()}
        return sides

    def halvings(self, rng: np.random.Generator) -> list[Halving]:
        """Two random splits of the columns of profiles into halves, of at most 1000 columns."""
        position = np.arange(self.z_train.shape[1])
        return self._halved(position, COLUMNS, rng)

    def _halved(self, position: NDArray[np.int64], most: int | None, rng: np.random.Generator) -> list[Halving]:
        """Splits of columns at these positions, (d,); all columns of a position are on one side."""
        found = []
        for _ in range(HALVINGS):
            chosen = rng.permutation(np.unique(position))[:most]
            if len(chosen) < 2:
                raise NotEvaluable("half of the columns must be known: there is only one")
            first = np.isin(position, chosen[::2])
            found.append((np.flatnonzero(first), np.flatnonzero(np.isin(position, chosen[1::2]))))
        return found

    def secrets(self, columns: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Columns that an attacker infers, at most `most` of those given."""
        return rng.permutation(columns)[:most]

    # Notes and cache

    def notes(self) -> tuple[str, ...]:
        """Notes for the reader on how the cohorts were compared."""
        return ()

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """Result of `make()`, cached under `key`: several metrics share one computation."""
        if key not in self._cache:
            self._cache[key] = make()
        value: T = self._cache[key]
        return value
