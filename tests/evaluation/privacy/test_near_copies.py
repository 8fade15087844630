"""Near-copy pairs of images: planted copies come first, other patients' images as often as expected by chance."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cohortsmith.evaluation.core.finding import NotEvaluable
from cohortsmith.evaluation.privacy.near_copies import copy_pairs, pictures
from cohortsmith.evaluation.spaces.comparison import Comparison
from tests.evaluation.cohorts import patients
from tests.evaluation.images import cells, image_models

if TYPE_CHECKING:
    from cohortsmith.data.cohort import Cohort

COPIES = {0: 7, 1: 70, 2: 170}  # synthetic row: train row
TURNED = {3: 99}


@cache
def _planted() -> Comparison:
    """New images, but for three copies (one of them brighter) and one turned by a quarter and mirrored."""
    train, made = cells(300, 1), cells(300, 3)
    x = made.x.copy()
    for row, source in COPIES.items():
        x[row] = train.x[source]
    x[2] = np.clip(x[2].astype(int) + 3, 0, 255)
    for row, source in TURNED.items():
        x[row] = np.rot90(train.x[source][:, ::-1], 1)
    return Comparison(train, cells(300, 2), replace(made, x=x), image_models=image_models())


def test_planted_copies_come_first_in_all_spaces() -> None:
    pixel, embedding, registered = copy_pairs(_planted(), 0)
    first = {pair.synthetic: pair for pair in pixel.pairs[:4]}
    assert {row: pair.train for row, pair in first.items()} == COPIES | TURNED
    assert all(pair.suspicious and pair.correlation > 0.99 for pair in first.values())
    assert first[0].distance == first[3].distance == 0
    assert first[0].turned == 0
    assert {pair.synthetic: pair.train for pair in embedding.pairs[:2]} == {0: 7, 1: 70}
    assert {pair.synthetic: pair.train for pair in registered.pairs[:4]} == COPIES | TURNED
    assert all(pair.correlation > 0.99 for pair in registered.pairs[:4])
    assert first[0].as_near == pytest.approx(1 / 301)
    assert [pair.distance for pair in pixel.pairs] == sorted(pair.distance for pair in pixel.pairs)


def test_the_pictures_of_a_pair_stand_the_same_way_up() -> None:
    c = _planted()
    for pair in copy_pairs(c, 0)[0].pairs[:4]:
        made, real = pictures(c, pair)
        assert np.abs(made.astype(int) - real).max() <= 3


def test_other_patients_images_are_near_as_often_as_chance() -> None:
    c = Comparison(cells(400, 1), cells(400, 2), cells(400, 4), image_models=image_models())
    for found in copy_pairs(c, 0):
        assert found.expected == pytest.approx(4, abs=0.05)
        assert found.suspicious <= 14
        if found.space != "registered":  # after registration some cells look alike
            assert found.pairs[0].correlation < 0.99
        assert (found.n, found.n_holdout) == (400, 400)


def test_one_train_image_stands_in_one_pair_and_no_json_names_it() -> None:
    train = cells(300, 1)
    many: Cohort = train.take([5] * 100 + list(range(200)))
    for found in copy_pairs(Comparison(train, cells(300, 2), many, image_models=image_models()), 0, most=6):
        assert len({pair.train for pair in found.pairs}) == len(found.pairs) == 6
        assert found.suspicious == 300
        assert all("train" not in pair for pair in found.to_json()["pairs"])


def test_pairs_without_feature_extractor_and_with_too_few_images() -> None:
    c = Comparison(cells(300, 1), cells(300, 2), cells(300, 3))
    assert [found.space for found in copy_pairs(c, 0, most=2)] == ["pixel", "registered"]
    with pytest.raises(NotEvaluable, match="at least 100 unseen real images; the holdout has 60"):
        copy_pairs(Comparison(cells(300, 1), cells(60, 2), cells(300, 3)), 0)
    with pytest.raises(NotEvaluable, match="for images only"):
        copy_pairs(Comparison(patients(60, 1), patients(60, 2), patients(60, 3)), 0)
