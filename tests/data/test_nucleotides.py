"""Codes of nucleotides: the order the whole program reads, and what counts as which."""

from __future__ import annotations

import numpy as np
import pytest

from cohortsmith.data.errors import DataError
from cohortsmith.data.nucleotides import ALPHABET, GAP, MASKED, decode, encode, one_hot


def test_codes_stand_in_the_order_of_the_alphabet() -> None:
    assert encode("ATCG-").tolist() == [0, 1, 2, 3, 4] == [ALPHABET.index(letter) for letter in "ATCG-"]


def test_lower_case_and_rna_read_as_upper_case_dna() -> None:
    assert decode(encode("acguACGU")) == "ACGTACGT"


def test_iupac_codes_of_several_bases_are_masked() -> None:
    assert set(encode("NRYSWKMBDHVXnryswkmbdhvx?").tolist()) == {MASKED}
    assert decode(encode("ANRT")) == "ANNT"


def test_a_point_is_a_gap_as_in_many_alignments() -> None:
    assert encode("A.-").tolist() == [0, GAP, GAP]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ACGE", ["'E'", "position 4"]),
        ("AC GT", ["' '", "position 3"]),
        ("ACGé", ["U+00E9", "position 4"]),
        ("AC→T", ["U+2192", "position 3"]),
        ("AC\x00T", ["U+0000", "position 3"]),
        ("NN*", ["'*'", "position 3"]),
    ],
)
def test_other_letters_are_named_with_their_place(text: str, words: list[str]) -> None:
    with pytest.raises(DataError) as caught:
        encode(text)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_one_hot_has_a_one_a_known_place_and_none_where_masked() -> None:
    hot = one_hot(np.stack([encode("ATCG-N"), encode("NNAAAA")]))
    assert hot.shape == (2, 6, 5)
    assert hot.dtype == np.float32
    assert hot.sum(axis=2).tolist() == [[1, 1, 1, 1, 1, 0], [0, 0, 1, 1, 1, 1]]
    assert hot[0, :5].argmax(axis=1).tolist() == [0, 1, 2, 3, 4]


def test_codes_that_do_not_exist_are_refused() -> None:
    with pytest.raises(DataError, match="0 to 5; got 6"):
        decode(np.asarray([0, 6], dtype=np.uint8))


def test_an_empty_sequence_is_an_empty_row() -> None:
    assert encode("").shape == (0,)
    assert decode(encode("")) == ""
