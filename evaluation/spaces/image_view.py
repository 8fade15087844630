"""`ImageView`: images as pixels, as a fixed network sees them, and as a network that learnt on train sees them.

Distances to patients and attacks use pixels and the fixed network only: a network that learnt from members gives them
away by itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import Matrix, NotEvaluable, PixelScale, tiles
from cohortsmith.evaluation.spaces.image_statistics import image_traits, trait_names
from cohortsmith.evaluation.spaces.kind_view import KindView, Sides, Space, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Draw, ImageModels, Images, Learned
    from cohortsmith.evaluation.spaces.kind_view import Halving

LIMIT = 2000  # samples a side of the draw outside of which networks learn
TILE = 4  # pixels on a side; coarse, so that all eight orientations can be looked at
PREDICATE_COMPONENTS = 30


def turned(x: Images) -> Iterator[Images]:
    """The images in all eight orientations, turned by quarters and mirrored; four where they are no squares."""
    for mirrored in (x, x[:, :, ::-1]):
        for quarters in range(0, 4, 1 if x.shape[1] == x.shape[2] else 2):
            yield np.rot90(mirrored, quarters, axes=(1, 2))


class ImageView(KindView):
    """Profiles are means of tiles of 2 x 2 pixels, in train's standard deviations of the channel.

    Structureless is every pixel N(mean, sd of its channel in train) by itself: coloured noise.
    """

    words: ClassVar[Words] = Words(
        profiles="tiles of 2 x 2 pixels",
        half="half of the image",
        sought="brightness of tiles within 0.1 standard deviations",
        known="the left half of the image",
        secret="brightness of the right half",
        score="share of the variance",
    )
    by_class: ClassVar[bool] = True

    @classmethod
    def check_alike(cls, train: Cohort, cohort: Cohort, name: str) -> None:
        """Refuse another size or number of channels."""
        if cohort.features != train.features:
            raise DataError(
                f"{name} holds images of {cohort.features[0]} pixels, train of {train.features[0]}: give images of one "
                "size, all in colour or all grey"
            )

    @cached_property
    def pixels(self) -> PixelScale:
        """Mean and standard deviation of each channel over train's images."""
        return PixelScale(self.train.x)

    def profiles(self, cohort: Cohort) -> Matrix:
        """Means of tiles, (n, tiles * channels)."""
        return self.pixels.profiles(cohort.x)

    def structureless(self, n: int, seed: int) -> Matrix:
        """Coloured noise as tiles, (n, tiles * channels)."""
        return self.pixels.profiles(self.structureless_images(n, seed))

    def structureless_images(self, n: int, seed: int) -> Images:
        """The images behind `structureless`, uint8 (n, height, width, channels)."""
        shape, rng = self.train.x.shape[1:], np.random.default_rng([seed, 77])
        return self.memo(("structureless", n, seed), lambda: self.pixels.noise(n, shape, rng))

    # What networks see

    @property
    def networks(self) -> ImageModels:
        """The networks that see the images.

        Raises:
            NotEvaluable: none were given.
        """
        if self.image_models is None:
            raise NotEvaluable("it is measured in what a network sees of images, and none was given")
        return self.image_models

    @property
    def by_network(self) -> bool:
        """Whether there are networks."""
        return self.image_models is not None

    def seen_draw(self, limit: int, seed: int, see: Callable[[Images], Matrix]) -> Draw:
        """`draw(limit, seed)` with what `see` makes of the images themselves, (n, d) each side."""
        draw = self.draw(limit, seed)
        return replace(
            draw,
            real=see(self.holdout.x[draw.rows.real]),
            synthetic=see(self.synthetic.x[draw.rows.synthetic]),
            reference=see(self.train.x[draw.rows.reference]),
            structureless=see(self.structureless_images(len(draw), seed)),
        )

    def fixed_features(self, x: Images) -> Matrix:
        """What the fixed network sees of images x, (n, d), each feature standardised by train."""
        _, location, spread = self._fixed_train
        return (_sound(self.networks.fixed(x)) - location) / spread

    @property
    def fixed_train(self) -> Matrix:
        """What the fixed network sees of train, (n, d), each feature standardised."""
        return self._fixed_train[0]

    @cached_property
    def _fixed_train(self) -> tuple[Matrix, Matrix, Matrix]:
        """Train's features, standardised, and by what."""
        features = _sound(self.networks.fixed(self.train.x))
        location, spread = _location_and_spread(features)
        return (features - location) / spread, location, spread

    def fixed_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` as the fixed network sees it, (n, d) each side."""
        return self.memo(("fixed draw", limit, seed), lambda: self.seen_draw(limit, seed, self.fixed_features))

    def learnt(self, seed: int) -> Learned:
        """A network that learnt the classes on train outside the reference draw, as new to it as the holdout is."""

        def make() -> Learned:
            rows = np.sort(self.draw(LIMIT, seed).apart)
            return self.networks.learn(self.train.x[rows], self.train.y[rows], len(self.train.classes), seed)

        return self.memo(("learnt", seed), make)

    def learnt_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` as a network that learnt the classes embeds it, (n, d) each side, standardised.

        Mean and standard deviation of each feature are those of the images the network learnt from. With another limit
        than that of `learnt`, some of the reference draw may have been among them: all metrics draw alike.
        """

        def make() -> Draw:
            network, apart = self.learnt(seed), self.draw(limit, seed).apart
            location, spread = _location_and_spread(_sound(network.embed(self.train.x[apart])))
            return self.seen_draw(limit, seed, lambda x: (_sound(network.embed(x)) - location) / spread)

        return self.memo(("learnt draw", limit, seed), make)

    def embedded_draw(self, limit: int, seed: int) -> Draw:
        """What a network that learnt on train sees, or principal components where there is none."""
        return (self.learnt_draw if self.by_network else self.components_draw)(limit, seed)

    @property
    def space(self) -> str:
        """What `embedded_draw` measures in, in words."""
        return "what a network learnt on train" if self.by_network else super().space

    def classified(self, side: str) -> Any:
        """Images as they are, to a network; else profiles."""
        return getattr(self, side).x if self.by_network else self.z(side)

    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """Principal components, colours and spectrum, and features of both networks where there are any."""
        return self.memo(("seen by discriminators", limit, seed), lambda: self._pictures(limit, seed))

    def _pictures(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """What stands for images, standardised by the holdout: thousands of pixels would only be slow."""
        views = {
            "component": self.components_draw(limit, seed),
            "trait": self.seen_draw(limit, seed, image_traits),
        }
        if self.by_network:
            views |= {
                "fixed feature": self.fixed_draw(limit, seed),
                "learnt feature": self.learnt_draw(limit, seed),
            }
        names: list[str] = []
        for what, view in views.items():
            own = trait_names(self.train.x.shape[1:])
            names += own if what == "trait" else [f"{what} {i + 1}" for i in range(view.real.shape[1])]
        sides = [np.hstack([getattr(view, side) for view in views.values()]) for side in Sides._fields]
        location, spread = sides[0].mean(axis=0), sides[0].std(axis=0)
        spread = np.where(spread > 1e-6, spread, 1)
        return Sides(*((side - location) / spread for side in sides)), tuple(names)

    # Copies, and what attackers see

    def identity(self, side: str) -> NDArray[Any]:
        """Every pixel, (n, pixels)."""
        x: Images = getattr(self, side).x
        return x.reshape(len(x), -1)

    def membership_spaces(self) -> Iterator[Space]:
        """Profiles, the fixed network, and tiles in eight orientations: a generator may turn what it copies."""
        yield from super().membership_spaces()
        if self.by_network:
            fixed = {"train": self.fixed_train}
            fixed |= {side: self.fixed_features(getattr(self, side).x) for side in ("holdout", "synthetic")}
            yield Space("a fixed network", lambda side, rows, _: fixed[side][rows])

        def turns(side: str, rows: NDArray[np.int64], attacked: bool) -> Matrix:
            x = getattr(self, side).x[rows]
            views = [tiles(way, TILE).reshape(len(x), -1) / 64 for way in (turned(x) if attacked else (x,))]
            return np.concatenate(views)

        yield Space(f"tiles of {TILE} x {TILE} pixels in all orientations", turns, views=True)

    def predicate_space(self, sides: dict[str, Matrix], rng: np.random.Generator) -> dict[str, Matrix]:
        """Principal components of the synthetic profiles, whitened."""
        known = sides["synthetic"]
        components = max(1, min(PREDICATE_COMPONENTS, known.shape[1], len(known) // 5))
        with np.errstate(invalid="ignore"):  # equal samples have no variance to take a share of
            pca = PCA(components, whiten=True, svd_solver="randomized", random_state=0).fit(known)
        return {name: np.asarray(pca.transform(x), dtype=np.float32) for name, x in sides.items()}

    def halvings(self, rng: np.random.Generator) -> list[Halving]:
        """Left and right, top and bottom."""
        height, width = (side // 2 for side in self.train.x.shape[1:3])
        places = np.arange(self.z_train.shape[1]).reshape(height, width, -1)
        ways = ((places[:, : width // 2], places[:, width // 2 :]), (places[: height // 2], places[height // 2 :]))
        return [(a.ravel(), b.ravel()) for a, b in ways]

    def notes(self) -> tuple[str, ...]:
        """Whether networks saw the images, and which."""
        if self.image_models is None:
            return ("seen without networks: by principal components of pixels and logistic regression",)
        return (f"fixed network {self.image_models.fixed_digest[:16]}: its figures compare only with the same",)


def _location_and_spread(features: Matrix) -> tuple[Matrix, Matrix]:
    """Mean and standard deviation of each feature, (d,); one that hardly differs is stretched four times at most."""
    spread = features.std(axis=0, dtype=np.float64)
    location = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    return location, np.maximum(spread, max(np.sqrt(np.mean(spread**2)) / 4, 1e-6)).astype(np.float32)


def _sound(features: Matrix) -> Matrix:
    """Features as float32.

    Raises:
        NotEvaluable: the network gives NaN or infinity.
    """
    features = np.asarray(features, dtype=np.float32)
    if not np.isfinite(features).all():
        raise NotEvaluable("the network that sees the images gives NaN or infinite features")
    return features
