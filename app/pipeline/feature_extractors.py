"""Feature extractors for the metrics of images: networks of `ssl_models`, handed over as callables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cohortsmith.data import Cohort
from cohortsmith.data.kinds import KINDS, grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from cohortsmith.app.config import TrainingPart
    from cohortsmith.evaluation import ImageModels, Learned
    from cohortsmith.ssl_models import Classifier
    from cohortsmith.training.plan import Device, Precision

_KEPT = 8  # classifiers; a scorecard trains three or four


def image_models_for(kind: str, training: TrainingPart) -> ImageModels | None:
    """ImageModels for a data kind that needs them, classifiers trained where `training` says; None for the others."""
    return image_models(training.device, training.precision) if KINDS[kind].pictured else None


def image_models(device: Device = "auto", precision: Precision = "auto") -> ImageModels:
    """The fixed encoder, and classifiers trained on that device, for `evaluate(..., image_models=image_models())`.

    A classifier is trained once for the same images and seed: families compared on one split share those of real data.
    """
    from cohortsmith.evaluation import ImageModels
    from cohortsmith.ssl_models import Classifier, FixedEncoder
    from cohortsmith.training import Runtime

    runtime = Runtime(device=device, precision=precision)
    known: dict[str, Learned] = {}

    def learn(x: NDArray[np.uint8], y: NDArray[np.int64], classes: int, seed: int) -> Learned:
        key = _digest(x, y, classes, seed)
        if key not in known:
            if len(known) >= _KEPT:
                del known[next(iter(known))]
            present, own = np.unique(y, return_inverse=True)
            classifier = Classifier(preset="small-cnn").fit(_cohort(x, own), seed=seed, runtime=runtime)
            known[key] = _ClassifierOfPresent(classifier, present, classes)
        known[key] = known.pop(key)  # what was asked for last is forgotten last
        return known[key]

    encoder = FixedEncoder()
    return ImageModels(encoder, encoder.digest, learn)


@dataclass(frozen=True)
class _ClassifierOfPresent:
    """A classifier of the classes that have images, which gives the others none of the probability."""

    classifier: Classifier
    present: NDArray[np.int64]
    classes: int

    def predict_proba(self, x: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probability of each class, (n, classes)."""
        proba = np.zeros((len(x), self.classes))
        proba[:, self.present] = self.classifier.predict_proba(x)
        return proba

    def embed(self, x: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Features, (n, 64)."""
        return self.classifier.embed(x)


def _cohort(x: NDArray[np.uint8], y: NDArray[np.int64]) -> Cohort:
    """Images (n, height, width, channels) without names, with as many classes as y (n,) has."""
    ids = np.arange(len(x)).astype(str)
    classes = tuple(str(label) for label in range(int(y.max(initial=0)) + 1))
    return Cohort("image", x, y, classes, grid(x), ids, pd.DataFrame(index=pd.Index(ids, name="sample_id")))


def _digest(x: NDArray[np.uint8], y: NDArray[np.int64], classes: int, seed: int) -> str:
    h = hashlib.sha256(repr((x.shape, classes, seed)).encode())
    h.update(np.ascontiguousarray(x).tobytes())
    h.update(np.ascontiguousarray(y, dtype=np.int64).tobytes())
    return h.hexdigest()
