"""Nucleotides as integer codes: the four bases, a gap and a mask, and their one-hot encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cohortsmith.data.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHABET = "ATCG-"  # the order of the codes, and of the last axis of one_hot
GAP = 4
MASKED = 5  # an unknown base
SYMBOLS = len(ALPHABET)
AMBIGUOUS = "NRYSWKMBDHVX?"  # IUPAC 1970 (IUB 1984) codes of more than one base, and the two other symbols for any base

_UNKNOWN = 255
_CODES = np.full(256, _UNKNOWN, dtype=np.uint8)
for _letters, _code in (("A", 0), ("TU", 1), ("C", 2), ("G", 3), ("-.", GAP), (AMBIGUOUS, MASKED)):
    for _letter in _letters:
        _CODES[[ord(_letter), ord(_letter.lower())]] = _code
_LETTERS = np.frombuffer(f"{ALPHABET}N".encode(), dtype=np.uint8)
_ROWS = np.concatenate([np.eye(SYMBOLS, dtype=np.float32), np.zeros((1, SYMBOLS), dtype=np.float32)])


def encode(text: str) -> NDArray[np.uint8]:
    """Codes of a sequence of L letters, uint8 (L,): A 0, T 1, C 2, G 3, gap 4, masked 5.

    Lower case counts as upper, U as T, '.' as a gap; N and the other IUPAC codes of more than one base are `MASKED`.

    Raises:
        DataError: a letter that is not a nucleotide code; it is named with its position, counted from 1.
    """
    codes: NDArray[np.uint8] = _CODES[np.frombuffer(text.encode("latin-1", "replace"), dtype=np.uint8)]
    # Latin-1 encoding replaces what it lacks by '?', which is also a mask
    if codes.max(initial=0) == _UNKNOWN or not text.isascii():
        at = next(i for i, (letter, code) in enumerate(zip(text, codes, strict=True)) if _foreign(letter, int(code)))
        raise DataError(
            f"{_named(text[at])} at position {at + 1} is not a nucleotide; expected A, C, G, T, U or an IUPAC code"
        )
    return codes


def decode(codes: NDArray[np.uint8]) -> str:
    """Letters of a sequence of codes (L,); `MASKED` becomes N.

    Raises:
        DataError: a code above 5.
    """
    if len(codes) and codes.max() > MASKED:
        raise DataError(f"nucleotide codes are 0 to {MASKED}; got {int(codes.max())}")
    return bytes(_LETTERS[codes]).decode("ascii")


def one_hot(x: NDArray[np.uint8]) -> NDArray[np.float32]:
    """One-hot form, float32 (..., 5), of codes of any shape (...); a masked position is all zeros."""
    hot: NDArray[np.float32] = _ROWS[x]
    return hot


def _foreign(letter: str, code: int) -> bool:
    return code == _UNKNOWN or not letter.isascii()


def _named(letter: str) -> str:
    return repr(letter) if letter.isascii() and letter.isprintable() else f"the character U+{ord(letter):04X}"
