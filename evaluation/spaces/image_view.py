"""`ImageView`: images as pixels, and as features of a fixed network and of a network trained on train.

Distances to patients and attacks use pixels and the fixed network only: a network trained on members would reveal
them by itself.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.decomposition import PCA

from cohortsmith.data.errors import DataError
from cohortsmith.evaluation.core import SAMPLES_PER_SIDE, Matrix, NotEvaluable, PixelScale, Stream, tiles
from cohortsmith.evaluation.spaces.copy_detection import BETWEEN_POSES, CopyDetector, poses_for
from cohortsmith.evaluation.spaces.image_registration import Registration
from cohortsmith.evaluation.spaces.image_statistics import image_traits, trait_names
from cohortsmith.evaluation.spaces.kind_view import KindView, Sides, Space, Words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from cohortsmith.data.cohort import Cohort
    from cohortsmith.evaluation.core import Draw, ImageModels, Images, Learned
    from cohortsmith.evaluation.spaces.kind_view import Halving, See

TILE = 4  # pixels on a side; coarse, so that all eight orientations can be searched
PREDICATE_COMPONENTS = 30


def turned(x: Images) -> Iterator[Images]:
    """The images in all eight orientations (quarter turns and mirror images); in four if they are not square."""
    for mirrored in (x, x[:, :, ::-1]):
        for quarters in range(0, 4, 1 if x.shape[1] == x.shape[2] else 2):
            yield np.rot90(mirrored, quarters, axes=(1, 2))


class ImageView(KindView):
    """Profiles are means of tiles of 2 x 2 pixels, in train's standard deviations of the channel.

    Structureless is every pixel N(mean, sd of its channel in train), independently: coloured noise.
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
                "size, all in colour or all in greyscale"
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
        shape, rng = self.train.x.shape[1:], np.random.default_rng([seed, Stream.STRUCTURELESS])
        return self.memo(("structureless", n, seed), lambda: self.pixels.noise(n, shape, rng))

    # Features of networks

    @property
    def networks(self) -> ImageModels:
        """The feature extractors.

        Raises:
            NotEvaluable: none were given.
        """
        if self.image_models is None:
            raise NotEvaluable("it is measured on features of a network, and none was given")
        return self.image_models

    @property
    def by_network(self) -> bool:
        """Whether feature extractors were given."""
        return self.image_models is not None

    def feature_draw(self, limit: int, seed: int, extract: Callable[[Images], Matrix]) -> Draw:
        """`draw(limit, seed)` as features that `extract` computes from the images, (n, d) per side."""
        draw = self.draw(limit, seed)
        return replace(
            draw,
            real=extract(self.holdout.x[draw.rows.real]),
            synthetic=extract(self.synthetic.x[draw.rows.synthetic]),
            reference=extract(self.train.x[draw.rows.reference]),
            structureless=extract(self.structureless_images(len(draw), seed)),
        )

    def fixed_features(self, x: Images) -> Matrix:
        """Features of images x by the fixed network, (n, d), each standardised by train."""
        _, location, spread = self._fixed_train
        return (_finite(self.networks.fixed(x)) - location) / spread

    @property
    def fixed_train(self) -> Matrix:
        """Features of train by the fixed network, (n, d), each standardised."""
        return self._fixed_train[0]

    @cached_property
    def _fixed_train(self) -> tuple[Matrix, Matrix, Matrix]:
        """Train's features, standardised, with their location and spread."""
        features = _finite(self.networks.fixed(self.train.x))
        location, spread = _location_and_spread(features)
        return (features - location) / spread, location, spread

    def fixed_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` as features of the fixed network, (n, d) per side."""
        return self.memo(("fixed draw", limit, seed), lambda: self.feature_draw(limit, seed, self.fixed_features))

    def trained_network(self, seed: int) -> Learned:
        """A classifier trained on train outside the reference draw, which is therefore unseen, as the holdout is."""

        def make() -> Learned:
            rows = np.sort(self.draw(SAMPLES_PER_SIDE, seed).fitting_rows)
            return self.networks.learn(self.train.x[rows], self.train.y[rows], len(self.train.classes), seed)

        return self.memo(("trained network", seed), make)

    def trained_draw(self, limit: int, seed: int) -> Draw:
        """`draw(limit, seed)` as features of `trained_network`, (n, d) per side, standardised.

        Mean and standard deviation of each feature are those of the images that the network was trained on. With a
        limit other than `SAMPLES_PER_SIDE`, the network may have been trained on some of the reference draw.
        """

        def make() -> Draw:
            network, rows = self.trained_network(seed), self.draw(limit, seed).fitting_rows
            location, spread = _location_and_spread(_finite(network.embed(self.train.x[rows])))
            return self.feature_draw(limit, seed, lambda x: (_finite(network.embed(x)) - location) / spread)

        return self.memo(("trained draw", limit, seed), make)

    def embedded_draw(self, limit: int, seed: int) -> Draw:
        """Features of a network trained on train, or principal components where there is none."""
        return (self.trained_draw if self.by_network else self.components_draw)(limit, seed)

    @property
    def space(self) -> str:
        """Name of the space of `embedded_draw`."""
        return "features of a network trained on train" if self.by_network else super().space

    def classified(self, side: str) -> Any:
        """The images themselves for a network, profiles otherwise."""
        return getattr(self, side).x if self.by_network else self.z(side)

    def discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """Principal components, colours and spectrum, and features of both networks where there are any."""
        return self.memo(("discriminated", limit, seed), lambda: self._discriminated(limit, seed))

    def _discriminated(self, limit: int, seed: int) -> tuple[Sides, tuple[str, ...]]:
        """Standardised by the holdout; features in place of thousands of pixels, which would only be slow."""
        codes = self.pooled_components(limit, seed)
        draws = [self.feature_draw(limit, seed, image_traits)]
        names = [f"component {i + 1}" for i in range(codes[0].shape[1])]
        names += trait_names(self.train.x.shape[1:])
        if self.by_network:
            for what, draw in (
                ("fixed", self.fixed_draw(limit, seed)),
                ("trained", self.trained_draw(limit, seed)),
            ):
                draws.append(draw)
                names += [f"{what} feature {i + 1}" for i in range(draw.real.shape[1])]
        of = ("real", "synthetic", "reference", "real")
        sides = [
            np.hstack([code, *(getattr(draw, side) for draw in draws)]) for code, side in zip(codes, of, strict=True)
        ]

        def standardised(x: Matrix, real: Matrix) -> Matrix:
            spread = real.std(axis=0)
            out: Matrix = (x - real.mean(axis=0)) / np.where(spread > 1e-6, spread, 1)
            return out

        real, synthetic, reference, beside = sides
        pairs = ((real, real), (synthetic, real), (reference, beside), (beside, beside))
        return Sides(*(standardised(x, known) for x, known in pairs)), tuple(names)

    # Copies, and inputs of attacks

    def identity(self, side: str) -> NDArray[Any]:
        """Every pixel, (n, pixels)."""
        x: Images = getattr(self, side).x
        return x.reshape(len(x), -1)

    def membership_spaces(self) -> Iterator[Space]:
        """Profiles, the fixed network, and three that find altered copies.

        Tiles in eight orientations; registered, where turns, mirror images, zooms, shifts and colours of a copy are
        searched; and a copy detector. The last two are learned from altered versions of the synthetic images, which
        the attacker holds.
        """
        yield from super().membership_spaces()
        if self.by_network:
            fixed = {"train": self.fixed_train}
            fixed |= {side: self.fixed_features(getattr(self, side).x) for side in ("holdout", "synthetic")}
            yield Space("a fixed network", lambda side, rows, _: fixed[side][rows])

        def turns(side: str, rows: NDArray[np.int64], attacked: bool) -> Matrix:
            x = getattr(self, side).x[rows]
            views = [tiles(way, TILE).reshape(len(x), -1) / 64 for way in (turned(x) if attacked else (x,))]
            return np.concatenate(views)

        yield Space(f"tiles of {TILE} x {TILE} pixels in all orientations", turns, views=True, by_distance_only=True)
        yield Space("images registered to each other", self._registered(), views=True, by_distance_only=True)
        detector = CopyDetector(self.synthetic.x, np.random.default_rng(Stream.COPY_DETECTOR))
        yield Space(
            "features of a copy detector",
            lambda side, rows, _: detector(getattr(self, side).x[rows]),
            by_distance_only=True,
        )

    def _registered(self) -> See:
        """Attacked images in several zooms and shifts, others as they are; fewer of these for large cohorts."""
        detector = CopyDetector(self.synthetic.x, np.random.default_rng(Stream.COPY_DETECTOR), BETWEEN_POSES)
        poses = poses_for(max(len(self.train), len(self.holdout)))
        found: dict[tuple[str, bytes], Matrix] = {}

        def see(side: str, rows: NDArray[np.int64], attacked: bool) -> Matrix:
            x = getattr(self, side).x[rows]
            if not attacked:
                return detector(x)
            key = (side, rows.tobytes())  # every attack looks at the same targets
            if key not in found:
                found[key] = detector.views(x, poses)
            return found[key]

        return see

    def registration(self, seed: int) -> Registration:
        """Search for the train image that each image is an altered copy of."""
        return self.memo(
            ("registration", seed),
            lambda: Registration(self.train.x, np.random.default_rng([seed, Stream.REGISTRATION])),
        )

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
        """Whether feature extractors were used, and which."""
        if self.image_models is None:
            return ("no feature extractors: principal components of pixels and logistic regression are used",)
        return (f"fixed network {self.image_models.fixed_digest[:16]}: values are comparable only for the same one",)


def _location_and_spread(features: Matrix) -> tuple[Matrix, Matrix]:
    """Mean and standard deviation of each feature, (d,); the latter at least a quarter of their root mean square."""
    spread = features.std(axis=0, dtype=np.float64)
    location = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    return location, np.maximum(spread, max(np.sqrt(np.mean(spread**2)) / 4, 1e-6)).astype(np.float32)


def _finite(features: Matrix) -> Matrix:
    """Features as float32.

    Raises:
        NotEvaluable: the network gives NaN or infinity.
    """
    features = np.asarray(features, dtype=np.float32)
    if not np.isfinite(features).all():
        raise NotEvaluable("the feature extractor gives NaN or infinite features")
    return features
