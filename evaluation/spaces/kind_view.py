"""`KindView`: how cohorts of one data kind are compared, with what most kinds have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import LEAST, Draw, Matrix, NotEvaluable, Rows, pick, proportional

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import ImageModels

    See = Callable[[str, NDArray[np.int64], bool], Matrix]
    Halving = tuple[NDArray[np.int64], NDArray[np.int64]]

T = TypeVar("T")

COMPONENTS = 50
SAMPLES = 5000
PER_COMPONENT = 5
DECIMALS = 4  # of a profile: samples that agree to so many are copies
COLUMNS = 1000  # that an attacker knows or seeks, and that predicates are about, at the most
HALVINGS = 2


class Sides(NamedTuple):
    """What a discriminator sees, (n, d) each: holdout, synthetic, and train in the synthetic cohort's place."""

    real: Matrix
    synthetic: Matrix
    reference: Matrix


class Space(NamedTuple):
    """A space in which membership is attacked.

    Attributes:
        words: what distances are measured in.
        see: called with a side, rows, and whether these are attacked; what the rows look like, (n, d).
        views: of those attacked it shows several views one after the other, (views * n, d): for attacks by distance.
    """

    words: str
    see: See
    views: bool = False


class Words(NamedTuple):
    """What a data kind's attacks are told in.

    Attributes:
        profiles: what whole profiles are made of.
        half: what somebody knows who has half of a patient's columns.
        sought: what is then inferred, in the attack of `risks`.
        known: what is known in the attack of `attribute_disclosure`: the first of the halves.
        secret: what is inferred there.
        score: how that is scored.
    """

    profiles: str
    half: str
    sought: str
    known: str
    secret: str
    score: str


class KindView(ABC):
    """Train, holdout and synthetic cohorts of one data kind, as metrics and attacks see them.

    A new kind says how samples become rows (`profiles`), what a cohort without structure is (`structureless`), what a
    discriminator sees (`discriminated`), and its words; and it overrides what is otherwise with it.

    Attributes:
        words: what attacks are told in.
        column: what a discriminator's columns are called.
        presence: columns of profiles are 0 or 1, who has what, so that a squared distance counts differences.
        by_class: neighbourhoods are looked at within classes, too.

    Args:
        train, holdout, synthetic: cohorts as `matched` gives them.
        image_models: of images, the networks that see them.
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
        self._memory: dict[Hashable, Any] = {}

    @classmethod
    def aligned(cls, cohorts: dict[str, Cohort]) -> dict[str, Cohort]:
        """Cohorts, by what they are called, on the same columns; as they are where columns are not made by alignment.

        Raises:
            DataError: they cannot be aligned.
        """
        return cohorts

    @classmethod
    def check_alike(cls, train: Cohort, cohort: Cohort, name: str) -> None:
        """Refuse a cohort that is not measured as train is.

        Raises:
            DataError: another scale, where values have one.
        """
        if train.about.scaled and cohort.scale != train.scale:
            raise DataError(
                f"{name} is on scale {cohort.scale}, train on scale {train.scale}: state the scale when reading the "
                "files"
            )

    @classmethod
    def check_values(cls, cohort: Cohort, name: str) -> None:
        """Refuse values that cannot be compared.

        Raises:
            DataError: NaN or infinity, and where it stands.
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
        rng = np.random.default_rng([seed, 11])
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

    def components_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` in train's principal components, (n, components) each side.

        At most 50 components, one for every 5 samples, fitted on train samples outside the draw: train samples spread
        wider along components fitted on themselves, and real would not look like real.
        """

        def make() -> Draw:
            draw = self.draw(limit, seed)
            z = self.z_train[np.random.default_rng([seed, 31]).permutation(draw.apart)[:SAMPLES]]
            components = max(1, min(COMPONENTS, z.shape[1], len(z) // PER_COMPONENT))
            if self.presence:  # what one patient alone has is no part of any of the first components
                shared = np.count_nonzero(z, axis=0) > 1
                shared[0] |= not shared.any()
                z, draw = z[:, shared], draw.mapped(lambda x, _: x[:, shared])
                components = min(components, z.shape[1])
            # The exact solver is cheap only when genes are few; the randomised one is seeded.
            solver = "full" if z.shape[1] <= 2 * COMPONENTS else "randomized"
            with np.errstate(invalid="ignore"):  # equal samples have no variance to take a share of
                pca = PCA(components, svd_solver=solver, random_state=seed).fit(z)
            return draw.mapped(lambda x, _: np.asarray(pca.transform(x), dtype=np.float32))

        return self.memo(("components draw", limit, seed), make)

    def embedded_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` as what stands outside it in train taught to see it, (n, d) each side."""
        return self.components_draw(limit, seed)

    @property
    def space(self) -> str:
        """What `embedded_draw` measures in, in words."""
        return "principal components of train"

    def neighbour_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` in the space that neighbourhoods are looked at in, (n, d) each side."""
        return self.embedded_draw(limit, seed)

    @property
    def neighbour_space(self) -> str:
        """What `neighbour_draw` measures in, in words."""
        return self.space

    # What classifiers see

    @abstractmethod
    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """All that a discriminator may see of `draw(limit, seed)`, and the names of its columns."""

    def boosted(self, limit: int, seed: int) -> Sides:
        """What gradient boosting sees of `draw(limit, seed)`: it costs columns times samples."""
        return self.discriminated(limit, seed)[0]

    def classified(self, side: str) -> Any:
        """What a classifier of classes sees of a side."""
        return self.z(side)

    @property
    def by_network(self) -> bool:
        """Whether classes are learnt by the networks of `image_models`."""
        return False

    # Copies, and what attackers see

    def identity(self, side: str) -> NDArray[Any]:
        """Rows of a side that are equal where one sample is a copy of another, (n, d)."""
        return np.round(self.z(side), DECIMALS)

    def membership_spaces(self) -> Iterator[Space]:
        """Spaces in which membership is attacked."""
        yield Space(self.words.profiles, lambda side, rows, _: self.z(side)[rows])

    def predicate_space(self, sides: dict[str, Matrix], rng: np.random.Generator) -> dict[str, Matrix]:
        """What predicates that single somebody out are about, from profiles of each side: (n, d) each."""
        width = sides["train"].shape[1]
        if width > COLUMNS:
            some = rng.permutation(width)[:COLUMNS]
            sides = {name: x[:, some] for name, x in sides.items()}
        return sides

    def halvings(self, rng: np.random.Generator) -> list[Halving]:
        """Columns of profiles in two halves, twice: at random, 1000 of them at the most."""
        place = np.arange(self.z_train.shape[1])
        return self._halved(place, COLUMNS, rng)

    def _halved(self, place: NDArray[np.int64], most: int | None, rng: np.random.Generator) -> list[Halving]:
        """Halvings of columns at these places, (d,); all columns of a place stand on one side."""
        found = []
        for _ in range(HALVINGS):
            chosen = rng.permutation(np.unique(place))[:most]
            if len(chosen) < 2:
                raise NotEvaluable("half of the columns must be known: there is one alone")
            first = np.isin(place, chosen[::2])
            found.append((np.flatnonzero(first), np.flatnonzero(np.isin(place, chosen[1::2]))))
        return found

    def secrets(self, columns: NDArray[np.int64], most: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """Those of some columns that an attacker seeks, `most` of them at the most."""
        return rng.permutation(columns)[:most]

    # Words and memory

    def notes(self) -> tuple[str, ...]:
        """What a reader must know of how the cohorts were seen."""
        return ()

    def memo(self, key: Hashable, make: Callable[[], T]) -> T:
        """Result of `make()`, kept under `key`: several metrics share one computation."""
        if key not in self._memory:
            self._memory[key] = make()
        value: T = self._memory[key]
        return value
