"""Look-alike images: distances that ignore brightness, contrast and white balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Images that correlate above 0.98 (distance below 0.2). On three public sets, the same image cropped or compressed
# again has distances of 0.03 to 0.2 (BreastMNIST has dozens), and no two images of different cells or lesions below
# 0.23.
NEAR_IMAGES = 0.2
_POOL = 4  # side of the tiles of the coarse images, pixels
_BLOCK = 512  # images standardised at a time
DISTANCES_AT_ONCE = 1 << 24  # distances held at a time: 64 MB
_COLUMNS = 1 << 22  # entries of standardised pixels at a time, 16 MB


def standardised(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pixels (n, height * width * channels), centred by channel and of unit norm; a constant image is all zeros.

    The squared distance of two rows is 2 (1 - r), with r their correlation.
    """
    pixels: NDArray[np.float32] = x.astype(np.float32)
    pixels -= pixels.mean(axis=(1, 2), keepdims=True)
    flat = pixels.reshape(len(x), -1)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def look_alikes(
    queries: NDArray[np.uint8], reference: NDArray[np.uint8], near: float, *, earlier: bool = False
) -> list[tuple[int, int]]:
    """(reference row, query row) for each query with a look-alike closer than `near`; the closest one.

    Tile means are compared first: their distance, times the tile's side, is a lower bound of the images' distance
    (Jensen's inequality), so only pairs below `near` are compared pixel by pixel, and none is missed.

    Args:
        queries: uint8 (n, height, width, channels).
        reference: uint8 (m, height, width, channels), images of the same size.
        near: distance of `standardised` rows.
        earlier: the queries are the reference; only rows before the query are paired with it.
    """
    coarse, other = _coarse(reference), None if earlier else _coarse(queries)
    wanted = coarse if other is None else other
    squares = np.einsum("ij,ij->i", coarse, coarse)
    pairs = []
    block = max(1, DISTANCES_AT_ONCE // max(len(reference), 1))
    for start in range(0, len(queries), block):
        part = wanted[start : start + block]
        gap = squares - 2 * (part @ coarse.T) + np.einsum("ij,ij->i", part, part)[:, None]
        likely = gap < near**2 + 1e-4
        if earlier:
            likely &= np.arange(len(reference)) < (start + np.arange(len(part)))[:, None]
        rows, columns = np.flatnonzero(likely.any(axis=1)), np.flatnonzero(likely.any(axis=0))
        if not len(rows):
            continue
        closeness = np.full((len(rows), len(columns)), -2.0, dtype=np.float32)
        asked = standardised(queries[start + rows])
        step = max(1, _COLUMNS // asked.shape[1])
        for at in range(0, len(columns), step):
            some = slice(at, at + step)
            closeness[:, some] = asked @ standardised(reference[columns[some]]).T
        closeness[~likely[np.ix_(rows, columns)]] = -2.0
        hits = closeness.argmax(axis=1)
        found = 2 - 2 * closeness[np.arange(len(rows)), hits] < near**2
        pairs += [(int(columns[hit]), int(start + row)) for row, hit in zip(rows[found], hits[found], strict=True)]
    return pairs


def _coarse(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Tile means of standardised images, times the tile's side; an incomplete tile at the edge is left out."""
    height, width = x.shape[1] // _POOL, x.shape[2] // _POOL
    parts = []
    for start in range(0, max(len(x), 1), _BLOCK):
        block = x[start : start + _BLOCK]
        pixels = standardised(block).reshape(block.shape)[:, : height * _POOL, : width * _POOL]
        tiles = pixels.reshape(len(block), height, _POOL, width, _POOL, -1)
        parts.append((tiles.mean(axis=(2, 4)) * _POOL).reshape(len(block), -1))
    return np.concatenate(parts)
