"""`PrivateImageCodec`: images as a Gaussian field of each class, and a few numbers for the difference from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
from scipy.fft import dctn, idctn
from scipy.linalg import cholesky, eigh, solve_triangular

from cohortsmith.data.kinds import IMAGE, require_kind
from cohortsmith.generators.private.budget import NORMAL, Statistics, shrunk, smoothed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cohortsmith.data import Cohort

    Floats = NDArray[np.float32]
    Wide = NDArray[np.float64]
    Whole = NDArray[np.int64]

_SLOPE, _COLOUR = 1.5, 0.3  # of a typical image: fall of amplitudes with the frequency, and colour relative to grey
_CONTRAST = 3.0  # amplitude of the lowest wave in a typical image with values from 0 to 1
_ROOM, _ROOM_OF_PAIRS = 1.5, 1.75  # largest norm of a patient, relative to a typical one, that is not clipped
_REACH = 2  # distance of frequencies, vertically or horizontally, over which waves are correlated
_BAND = 3.0  # width of a band of frequencies that share their shrinkage
_LEAST_SPREAD = 0.05  # of a typical image's amplitude: noise must not make a wave vanish
_LEAST_VARIANCE = 0.05  # along any axis of the correlations, which noise can make indefinite
_LIMIT = 4.0  # standard deviations
_CODED = 192  # waves that the networks generate
_AMPLITUDE_SPREAD = 0.3  # typical spread of the log amplitude of an image's other waves
_AT_ONCE = 512  # images whose products are in memory together


class GaussianField(NamedTuple):
    """Means and spreads of each class's waves (classes, size), and correlations of pairs of waves (pairs,)."""

    mean: Floats
    spread: Floats
    correlations: Floats


class _Block(NamedTuple):
    """Correlated waves (m,), low before high, and the Cholesky root (m, m) of their correlations."""

    rows: Whole
    root: Floats


class _Pairs(NamedTuple):
    """Pairs of correlated waves: first and second (pairs,), and the group in which each pair is shrunk."""

    first: Whole
    second: Whole
    group: Whole


@dataclass
class PrivateImageCodec:
    """Waves (discrete cosines over channels, rows and columns) around a Gaussian field of each class.

    Means and spreads of a class's waves, and correlations of waves of similar frequency, are sums over patients of
    bounded norm, in units known in advance: amplitudes fall with the frequency, by a power of about one to one and a
    half (Tolhurst et al. 1992), and colours vary less than brightness. Correlations of similar frequencies show where
    in the image there is detail; those over odd distances would distinguish right from left, and are left out. Noisy
    statistics are shrunk, by bands of frequency. The networks generate the lowest waves, in units in which they are
    independent with unit variance under this Gaussian, and the overall amplitude of the others, which are drawn from
    it: a network that outputs noise, even before training, already gives a Gaussian field for each class.
    """

    calibration_patients: ClassVar[int] = 0
    gaussian: ClassVar[bool] = False
    strata: ClassVar[None] = None
    views: ClassVar[None] = None
    statistics: Statistics = field(default_factory=Statistics, init=False, repr=False)
    code_shape: tuple[int, ...] = field(init=False)
    _shape: tuple[int, ...] = field(init=False, repr=False)
    _field: GaussianField = field(init=False, repr=False)
    _blocks: list[_Block] = field(init=False, repr=False)

    def narrowed(self, cohort: Cohort) -> Cohort:
        """The cohort as it is: the names of pixels reveal nothing."""
        return cohort

    def fit_encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Release the statistics; return the training cohort's codes (n, dim).

        Raises:
            DataError: no images.
        """
        require_kind(cohort.kind, IMAGE, "images are expected")
        self._shape = (cohort.x.shape[-1], *cohort.x.shape[1:3])
        waves = self._waves(cohort)
        mean, spread = self._levels(waves.astype(np.float64), cohort.y, len(cohort.classes))
        self._field = GaussianField(mean, spread, np.empty(0, np.float32))
        self._field = self._field._replace(correlations=self._products(self._scores(waves, cohort.y)))
        self._blocks = _blocks(self._shape, self._field.correlations)
        codes = self._encoded(waves, cohort.y)
        self.code_shape = codes.shape[1:]
        return codes

    def encode(self, cohort: Cohort, rng: np.random.Generator) -> Floats:
        """Codes (n, dim) of any images; each follows from the image, its class and the statistics alone."""
        return self._encoded(self._waves(cohort), cohort.y)

    def evidence(self, cohort: Cohort, rng: np.random.Generator) -> dict[str, NDArray[np.float64]]:
        """None: the statistics are private."""
        return {}

    def decode(self, codes: Floats, y: Whole, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Pixels (n, height, width, channels), rounded and within 0..255."""
        low = _coded(self._shape)
        units = rng.standard_normal((len(codes), len(low)), dtype=np.float32)
        units[:, ~low] *= np.exp(_AMPLITUDE_SPREAD * np.clip(codes[:, -1:], -_LIMIT, _LIMIT))
        units[:, low] = codes[:, :-1]
        scores = np.empty_like(units)
        for rows, root in self._blocks:
            scores[:, rows] = units[:, rows] @ root.T
        waves = (self._field.mean[y] + self._field.spread[y] * scores) * _typical(self._shape)
        pixels = idctn(waves.reshape(-1, *self._shape), axes=(1, 2, 3), norm="ortho").transpose(0, 2, 3, 1)
        return np.ascontiguousarray(np.clip(np.rint(255 * (pixels + 0.5)), 0, 255).astype(np.uint8))

    def calibrate(self, codes: Floats, y: Whole, rng: np.random.Generator) -> None:
        """Nothing: it would use patients outside the budget."""

    def state(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        """The statistics."""
        return self._field._asdict(), {"shape": list(self._shape), "code_shape": list(self.code_shape)}

    def restore(self, tensors: dict[str, NDArray[Any]], values: dict[str, Any]) -> Self:
        """Take back what `state` gave; a missing tensor or value is a KeyError."""
        self._shape, self.code_shape = tuple(values["shape"]), tuple(values["code_shape"])
        self._field = GaussianField(*(tensors[name] for name in GaussianField._fields))
        self._blocks = _blocks(self._shape, self._field.correlations)
        return self

    def _waves(self, cohort: Cohort) -> Floats:
        """Waves (n, size) in units of a typical image's."""
        pixels = cohort.x.transpose(0, 3, 1, 2).astype(np.float32) / 255 - 0.5
        waves = dctn(pixels, axes=(1, 2, 3), norm="ortho").reshape(len(pixels), -1)
        return np.asarray(waves / _typical(self._shape), np.float32)

    def _scores(self, waves: Floats, y: Whole) -> Floats:
        scores = (waves - self._field.mean[y]) / self._field.spread[y]
        return np.asarray(np.clip(scores, -_LIMIT, _LIMIT), np.float32)

    def _encoded(self, waves: Floats, y: Whole) -> Floats:
        scores, low = self._scores(waves, y), _coded(self._shape)
        units = np.empty_like(scores)
        for rows, root in self._blocks:
            units[:, rows] = solve_triangular(root, scores[:, rows].T, lower=True).T
        amplitude = np.log(np.sqrt((units[:, ~low] ** 2).mean(1, keepdims=True)) + 1e-3) / _AMPLITUDE_SPREAD
        codes = np.concatenate([units[:, low], amplitude], axis=1)
        return np.asarray(np.clip(codes, -_LIMIT, _LIMIT), np.float32)

    def _levels(self, waves: Wide, y: Whole, classes: int) -> tuple[Floats, Floats]:
        """Means and spreads (classes, size) of waves (n, size), shrunk by their share of noise."""
        (n, size), bands, noise = waves.shape, _bands(self._shape), self.statistics.noise
        radius = _ROOM * float(np.sqrt(size))
        counts = np.maximum(self.statistics.counts(y, classes), 5)[:, None]
        centre = self.statistics.total(waves, radius)[None] / n
        centre = shrunk(centre, bands, np.array([[(noise * radius / n) ** 2]]))
        variance = (noise * radius / counts) ** 2
        own = self.statistics.totals(waves - centre, y, classes, radius) / counts
        mean = centre + shrunk(own, bands, variance)
        totals = NORMAL * self.statistics.totals(np.abs(waves - mean[y]), y, classes, radius)
        common = smoothed(totals.sum(0) / n, bands, (NORMAL * noise * radius / n) ** 2 * classes)
        common = np.maximum(common, _LEAST_SPREAD)
        spread = common + shrunk(totals / counts - common, bands, NORMAL**2 * variance)
        return mean.astype(np.float32), np.maximum(spread, common / 4).astype(np.float32)

    def _products(self, scores: Floats) -> Floats:
        """Correlations (pairs,) of scores (n, size), shrunk by their share of noise."""
        pairs = _pairs(self._shape)
        radius = _ROOM_OF_PAIRS * float(np.sqrt(len(pairs.first)))

        def parts() -> Iterator[Wide]:
            for start in range(0, len(scores), _AT_ONCE):
                some = scores[start : start + _AT_ONCE]
                yield (some[:, pairs.first] * some[:, pairs.second]).astype(np.float64)

        found = self.statistics.total_of(parts(), radius) / len(scores)
        variance = (self.statistics.noise * radius / len(scores)) ** 2
        return np.asarray(smoothed(found, pairs.group, variance), np.float32)


def _frequency(shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Half periods over the image of each wave (size,), both directions together."""
    _, row, column = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    return np.asarray(np.hypot(row, column), np.float64)


def _typical(shape: tuple[int, ...]) -> Floats:
    """Units of the waves (size,): of a norm of sqrt(size), and the root of their amplitudes in a typical image.

    For noise of a given norm, statistics released in these units have the least squared error in pixels.
    """
    grey = np.unravel_index(np.arange(int(np.prod(shape))), shape)[0] == 0
    amplitude = _CONTRAST / (1 + _frequency(shape) / 2) ** _SLOPE * np.where(grey, 1, _COLOUR)
    return np.asarray(np.sqrt(amplitude * amplitude.mean()), np.float32)


def _bands(shape: tuple[int, ...]) -> Whole:
    """Group of each wave (size,): its channel, its band of frequencies, and whether it is even.

    Means are mainly of even waves, since images are as likely as their mirror images.
    """
    band = (_frequency(shape) // _BAND).astype(np.int64)
    channel, row, column = np.unravel_index(np.arange(len(band)), shape)
    even = (row % 2 == 0) & (column % 2 == 0)
    return np.asarray((channel * (band.max() + 1) + band) * 2 + even)


def _coded(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which waves (size,) the networks generate: those of the lowest frequencies."""
    low = np.zeros(int(np.prod(shape)), bool)
    low[np.argsort(_frequency(shape), kind="stable")[:_CODED]] = True
    return low


def _pairs(shape: tuple[int, ...]) -> _Pairs:
    """Pairs of waves at most `_REACH` apart, over even distances."""
    channels, height, width = shape
    number, band = np.arange(int(np.prod(shape))).reshape(shape), (_frequency(shape) // _BAND).astype(np.int64)
    steps = range(-_REACH, _REACH + 1, 2)
    first, second, group = [], [], []
    kinds = [
        (one, other, up, across)
        for one in range(channels)
        for other in range(one, channels)
        for up, across in product(steps, steps)
        if one < other or (up, across) > (0, 0)
    ]
    for kind, (one, other, up, across) in enumerate(kinds):
        here = number[one, max(-up, 0) : height - max(up, 0), max(-across, 0) : width - max(across, 0)].ravel()
        there = number[other, max(up, 0) : height + min(up, 0), max(across, 0) : width + min(across, 0)].ravel()
        first.append(here)
        second.append(there)
        group.append(kind * (band.max() + 1) + band[here])
    return _Pairs(*(np.concatenate(part) for part in (first, second, group)))


def _blocks(shape: tuple[int, ...], correlations: Floats) -> list[_Block]:
    """Roots of the correlations (pairs,) of waves, separately for even and odd frequencies.

    With low waves first, the first units determine the low waves, and the others the rest of the high ones.
    """
    pairs, size = _pairs(shape), int(np.prod(shape))
    whole = np.eye(size)
    whole[pairs.first, pairs.second] = whole[pairs.second, pairs.first] = correlations
    _, row, column = np.unravel_index(np.arange(size), shape)
    order, blocks = np.argsort(_frequency(shape), kind="stable"), []
    for up, across in product((0, 1), repeat=2):
        rows = order[(row[order] % 2 == up) & (column[order] % 2 == across)]
        variances, axes = eigh(whole[np.ix_(rows, rows)])
        made = (axes * np.maximum(variances, _LEAST_VARIANCE)) @ axes.T
        scale = np.sqrt(np.diag(made))
        blocks.append(_Block(rows, cholesky(made / np.outer(scale, scale), lower=True).astype(np.float32)))
    return blocks
