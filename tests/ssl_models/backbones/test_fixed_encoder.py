"""The fixed encoder: the same weights everywhere, features as the layers say, nothing about brightness alone."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cohortsmith.data import DataError, simulate
from cohortsmith.ssl_models import FixedEncoder
from cohortsmith.ssl_models.backbones.fixed_encoder import DIGEST


def test_the_weights_are_those_of_the_published_digest() -> None:
    encoder = FixedEncoder()
    layers = [layer.numpy() for layer in (*encoder._kernels, encoder._projection)]
    assert hashlib.sha256(b"".join(layer.tobytes() for layer in layers)).hexdigest() == encoder.digest == DIGEST
    for layer in layers:
        assert layer.mean() == pytest.approx(0, abs=0.02)
        assert layer.var() * layer[0].size == pytest.approx(1, abs=0.05)


def test_features_are_those_of_a_slow_derivation() -> None:
    encoder = FixedEncoder()
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    values = (x.astype(np.float64) - 127.5) / 64
    for kernel, stride in zip(encoder._kernels, (1, 2, 2), strict=True):
        weights = kernel.numpy().astype(np.float64)
        wide = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
        size = values.shape[1] // stride
        out = np.empty((2, size, size, len(weights)))
        for row in range(size):
            for column in range(size):
                patch = wide[:, row * stride : row * stride + 3, column * stride : column * stride + 3]
                out[:, row, column] = np.einsum("nhwc,ochw->no", patch, weights)
        values = (np.maximum(out, 0) - 0.3989423) / 0.5838194
    assert values.shape == (2, 2, 2, 128)
    expected = values.transpose(0, 3, 1, 2).reshape(2, -1) @ encoder._projection.numpy().T.astype(np.float64)
    np.testing.assert_allclose(encoder(x), expected, atol=1e-4)


def test_grey_images_are_three_equal_channels_and_batches_change_nothing() -> None:
    encoder = FixedEncoder()
    grey = np.random.default_rng(1).integers(0, 256, (600, 12, 12, 1), dtype=np.uint8)
    features = encoder(grey)
    assert features.shape == (600, 64)
    assert features.dtype == np.float32
    np.testing.assert_allclose(encoder(np.repeat(grey, 3, axis=3)), features, atol=1e-5)
    np.testing.assert_allclose(encoder(grey[590:]), features[590:], atol=1e-5)
    assert encoder(grey[:0]).shape == (0, 64)


def test_a_copy_is_found_though_it_was_moved_brightened_and_made_noisy() -> None:
    x = simulate("simulated-cells", 200, 3).x
    encoder = FixedEncoder()
    features = encoder(x)
    spread = features.std(axis=0)
    changes = {
        "moved": np.roll(x, 1, axis=2),
        "brighter": np.clip(x.astype(int) + 8, 0, 255),
        "noisy": np.clip(x + np.random.default_rng(0).normal(0, 8, x.shape), 0, 255),
    }
    for name, changed in changes.items():
        seen = encoder(changed.astype(np.uint8))
        apart = (((seen[:, None] - features) / spread) ** 2).sum(axis=2)
        assert (apart.argmin(axis=1) == np.arange(200)).mean() > 0.6, name


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(DataError, match="uint8 images"):
        FixedEncoder()(np.zeros((2, 28, 28), np.uint8))
