"""Model folders: missing, foreign, cut off, changed by hand, half-written."""

from __future__ import annotations

import hashlib
import json
import shutil
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cohortsmith.data import DataError, simulate
from cohortsmith.generators import MVN, Generator, load, make_generator

if TYPE_CHECKING:
    from pathlib import Path


@lru_cache
def fitted(family: str) -> Generator:
    settings: dict[str, Any] = {"steps": 5, "width": 16, "depth": 1} if family == "vae" else {}
    return make_generator(family, **settings).fit(simulate("simulated-expression", 40, seed=1, genes=8), seed=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fitted("mvn").save(tmp_path / "model")
    return tmp_path / "model"


def test_missing_or_foreign(folder: Path) -> None:
    with pytest.raises(DataError, match="no such model folder"):
        load(folder / "not-here")
    with pytest.raises(DataError, match="no such model folder"):
        load(folder / "model.json")
    foreign = folder.parent / "foreign"
    foreign.mkdir()
    (foreign / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="not a model folder"):
        load(foreign)
    with pytest.raises(DataError, match="new or empty folder"):
        fitted("mvn").save(foreign)
    assert [path.name for path in foreign.iterdir()] == ["notes.txt"]
    with pytest.raises(DataError, match="new or empty folder"):
        fitted("mvn").save(foreign / "notes.txt")


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "deep/er").mkdir(parents=True)
    for place in ("deep/er", "deep/er/still/deeper"):
        fitted("marginals").save(tmp_path / place)
        assert len(load(tmp_path / place).sample(3)) == 3
        shutil.rmtree(tmp_path / place)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_cut_off(folder: Path, share: float) -> None:
    tensors = folder / "model.safetensors"
    content = tensors.read_bytes()
    tensors.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match="changed or cut off"):
        load(folder)
    tensors.write_bytes(content)
    card = folder / "model.json"
    text = card.read_text()
    card.write_text(text[: int(share * len(text))])
    with pytest.raises(DataError, match="not readable as JSON"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "cohortsmith-model/99"}, "another version"),
        ({"family": "nonesuch"}, "incomplete or of another version"),
        ({"settings": {"depth": 3}}, "incomplete or of another version"),
        ({"schema": {}}, "incomplete or of another version"),
        ({"schema": None}, "incomplete or of another version"),
        ({"values": {}}, "incomplete or of another version"),
        ({"family": "vae", "settings": {}}, "incomplete or of another version"),
    ],
)
def test_changed_by_hand(folder: Path, change: dict[str, Any], message: str) -> None:
    card = folder / "model.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | change))
    with pytest.raises(DataError, match=message):
        load(folder)
    card.write_text("[1, 2]")
    with pytest.raises(DataError, match="another program's file"):
        load(folder)


@pytest.mark.parametrize("family", ["vae", "mvn", "marginals"])
def test_a_missing_tensor(family: str, tmp_path: Path) -> None:
    fitted(family).save(tmp_path / "model")
    place = tmp_path / "model/model.safetensors"
    tensors = load_file(place)
    for name in (min(tensors), max(tensors)):
        save_file({key: value for key, value in tensors.items() if key != name}, place)
        card = json.loads((tmp_path / "model/model.json").read_text())
        card["sha256"] = hashlib.sha256(place.read_bytes()).hexdigest()
        (tmp_path / "model/model.json").write_text(json.dumps(card))
        with pytest.raises(DataError, match="incomplete or of another version"):
            load(tmp_path / "model")


def test_a_failure_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cohortsmith.data.io.stored.save_file", full)
    with pytest.raises(DataError, match="cannot write model: No space left"):
        fitted("mvn").save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_what_learnt_two_patients_of_a_class_is_not_saved(tmp_path: Path) -> None:
    cohort = simulate("simulated-expression", 60, seed=0, genes=4, classes=2)
    two = cohort.take(np.concatenate([np.flatnonzero(cohort.y == 0)[:2], np.flatnonzero(cohort.y == 1)]))
    with pytest.raises(DataError, match="at least 5 patients of each class"):
        MVN().fit(two)
    model = MVN().fit(two, to_save=False)
    assert len(model.sample(10)) == 10
    with pytest.raises(DataError, match="to_save"):
        model.save(tmp_path / "model")
