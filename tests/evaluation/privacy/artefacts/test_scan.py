"""What the artefact scan of models and samples finds, and what it passes."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from cohortsmith.data import Cohort, DataError, log_expression, simulate, write_cohort
from cohortsmith.evaluation.privacy.artefacts import ArtefactFinding, scan
from cohortsmith.generators import FAMILIES, Generator, make_generator
from tests.contracts.cohorts import COHORTS, cohort_of, data_kind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

NEURAL = ("gan", "wgan", "vae", "diffusion")
SAVABLE = [name for name, family in FAMILIES.items() if family.savable]
SUFFIX = {"expression": ".csv", "sequence": ".fasta", "image": ".npz"}
CASES = [
    (name, kind)
    for name in SAVABLE
    for kind in COHORTS
    if data_kind(kind) in FAMILIES[name].kinds and kind not in ("linear", "grey")
]


@lru_cache
def fitted(family: str, kind: str, **settings: Any) -> Generator:
    tiny = {"steps": 2, "width": 32, "depth": 1, "batch_size": 16}
    if (family, data_kind(kind)) == ("vae", "image"):  # a flow of its own makes its latents
        tiny |= {"solver_steps": 3, "prior_width": 32, "prior_depth": 1}
    settings = (tiny if family in NEURAL else {}) | settings
    return make_generator(family, **settings).fit(cohort_of(kind), seed=0)


def failures(path: Path, train: Cohort) -> list[str]:
    return [f"{one.where}: {one.what}" for one in scan(path, train) if one.severity == "fail"]


def planted(folder: Path, name: str, tensor: NDArray[Any]) -> None:
    """The model with one more tensor."""
    place = folder / "model.safetensors"
    save_file(load_file(place) | {name: np.ascontiguousarray(tensor)}, place)


@pytest.mark.parametrize(("family", "kind"), CASES)
def test_a_saved_model_and_its_samples_pass(family: str, kind: str, tmp_path: Path) -> None:
    train, model = cohort_of(kind), fitted(family, kind)
    model.save(tmp_path / "model")
    write_cohort(model.sample(60, seed=1), tmp_path / f"synthetic{SUFFIX[train.kind]}")
    assert failures(tmp_path, train) == []


def standardised(train: Cohort) -> NDArray[Any]:
    values = log_expression(train)
    return np.asarray((values - values.mean(0)) / np.where(values.std(0) > 0, values.std(0), 1))


WAYS: dict[str, list[tuple[str, Callable[[Cohort], NDArray[Any]]]]] = {
    "counts": [
        ("as they are", lambda train: train.x[:2]),
        ("log values", lambda train: log_expression(train)[3:5]),
        ("transposed, of half precision", lambda train: standardised(train)[:2].T.astype(np.float16)),
        (
            "among other rows",
            lambda train: np.insert(np.random.default_rng(0).normal(size=(50, 12)), 9, train.x[:2], 0),
        ),
    ],
    "wide": [
        ("scaled and shifted", lambda train: 3 * train.x[:2] - 7),
        ("one long row, in another sign", lambda train: -standardised(train)[:2].ravel()),
    ],
    "sequence": [
        ("codes", lambda train: train.x[:2]),
        ("one-hot", lambda train: np.eye(6, dtype=np.float32)[train.x[:2], :5]),
        ("probabilities", lambda train: 0.1 + 0.5 * np.eye(6, dtype=np.float32)[train.x[:2], :5].transpose(0, 2, 1)),
    ],
    "image": [
        ("pixels", lambda train: train.x[:2]),
        ("channels first, -1 to 1", lambda train: (train.x[:2].transpose(0, 3, 1, 2) / 127.5 - 1).astype(np.float32)),
        ("less the mean", lambda train: (train.x[:2] - train.x.mean(0)).astype(np.float32)),
    ],
}


@pytest.mark.parametrize(("kind", "way"), [(kind, way) for kind, ways in WAYS.items() for way, _ in ways])
def test_a_model_that_holds_records_is_caught(kind: str, way: str, tmp_path: Path) -> None:
    """A bootstrap is these very tensors; here they hide among those of an honest model."""
    train = cohort_of(kind)
    fitted("vae", kind).save(tmp_path / "model")
    planted(tmp_path / "model", "nets.decoder.memory", dict(WAYS[kind])[way](train))
    assert "model/model.safetensors: nets.decoder.memory: 2 training records" in failures(tmp_path / "model", train)


def test_records_in_json_are_caught(tmp_path: Path) -> None:
    train = cohort_of("log-floor")
    fitted("mvn", "log-floor").save(tmp_path / "model")
    card = json.loads((tmp_path / "model/model.json").read_text())
    card["values"]["anchors"] = [{"weights": train.x[7].tolist()}]
    (tmp_path / "model/model.json").write_text(json.dumps(card))
    assert "model/model.json: values.anchors.weights: 1 training record" in failures(tmp_path / "model", train)


def test_averages_are_no_records() -> None:
    """Means of five patients, principal components and medians of a small cohort."""
    from cohortsmith.evaluation.privacy.artefacts.records import Records

    train = simulate("simulated-expression", 200, seed=2, genes=300, classes=4)
    z = standardised(train)
    rng = np.random.default_rng(0)
    means = np.stack([z[rng.choice(200, 5, replace=False)].mean(0) for _ in range(100)])
    tight = np.stack([z[np.flatnonzero(train.y == c)[:5]].mean(0) for c in range(4)])
    axes = np.linalg.svd(z, full_matrices=False)[2]
    for tensor in (means, tight, axes, np.median(z, axis=0), rng.normal(size=(5000, 300))):
        assert Records(train).held(tensor) == 0
    assert Records(train).held(means + 0 * z[:100] + z[:100] * 100) == 100


@pytest.mark.parametrize("side", [0.0, 1.0])
def test_an_exact_extreme_of_one_patient_is_caught(side: float, tmp_path: Path) -> None:
    train = cohort_of("wide")
    extremes = np.quantile(train.x, side, axis=0).astype(np.float32)
    fitted("mvn", "wide").save(tmp_path / "model")
    planted(tmp_path / "model", "clip", extremes)
    assert failures(tmp_path / "model", train) == [
        "model/model.safetensors: clip: exact extreme value shared by fewer than 5 training patients, in 90 genes"
    ]
    card = json.loads((tmp_path / "model/model.json").read_text())
    card["values"]["reach"] = float(extremes[4])
    (tmp_path / "model/model.json").write_text(json.dumps(card))
    assert (
        "model/model.json: 1 exact extreme value shared by fewer than 5 training patients"
        in failures(tmp_path, train)[0]
    )


def test_a_floor_that_many_share_passes(tmp_path: Path) -> None:
    train = cohort_of("log-floor")
    fitted("mvn", "log-floor").save(tmp_path / "model")
    planted(tmp_path / "model", "floor_again", train.x.min(0))
    assert failures(tmp_path / "model", train) == []


def test_an_edit_of_one_patient_identifiable_by_position_is_caught(tmp_path: Path) -> None:
    train = cohort_of("sequence")
    for k, severities in ((1, {"fail", "note"}), (3, {"note"}), (5, set())):
        fitted("vae", "sequence", min_carriers=k).save(tmp_path / f"{k}")
        found = scan(tmp_path / f"{k}", train)
        assert {one.severity for one in found} == severities, found
        assert all("identifiable by position" in one.what for one in found)


def test_names_of_patients_are_caught_wherever_they_stand(tmp_path: Path) -> None:
    train = cohort_of("counts")
    name = str(train.ids[3])
    fitted("mvn", "counts").save(tmp_path / "model")
    card = json.loads((tmp_path / "model/model.json").read_text())
    card["summary"]["worst"] = name
    (tmp_path / "model/model.json").write_text(json.dumps(card))
    (tmp_path / "README.md").write_text(f"Fitted without sample_{name}x, but with `{name}`.\nAsk jo@clinic.example.")
    (tmp_path / "other.txt").write_text(f"x{name}y")
    planted(tmp_path / "model", f"memory.{name}", np.zeros(3, np.float32))
    found = scan(tmp_path, train)
    assert {one.where for one in found if one.severity == "fail"} == {
        f"{tmp_path.name}/{place}" for place in ("README.md", "model/model.json", "model/model.safetensors: header")
    }
    assert ArtefactFinding("an e-mail address", f"{tmp_path.name}/README.md", "note") in found
    assert not any(name in f"{one.what} {one.where}" for one in found), "the report names the patient"


@pytest.mark.parametrize("kind", ["counts", "sequence", "image"])
def test_a_sample_file_with_a_record_or_an_id_is_caught(kind: str, tmp_path: Path) -> None:
    train = cohort_of(kind)
    made = fitted("vae", kind).sample(60, seed=1)
    x = made.x.copy()
    x[5] = train.x[9]
    if kind == "image":
        x[5] = np.rot90(train.x[9][:, ::-1], 1)
    path = tmp_path / f"synthetic{SUFFIX[train.kind]}"
    write_cohort(replace(made, x=x), path)
    (found,) = scan(path, train)
    assert "equal to the record of one training patient" in found.what
    # Of sixty short sequences a few are equal by chance, and so may be a virtual patient's.
    assert found.severity == ("note" if kind == "sequence" else "fail")
    ids = made.obs.index.to_numpy().copy()
    ids[2] = train.ids[7]
    write_cohort(replace(made, obs=made.obs.set_axis(ids)), path)
    assert f"{path.name}: ids: 1 sample or subject id of train" in failures(path, train)


def test_a_file_of_a_bootstrap_is_caught_in_every_format(tmp_path: Path) -> None:
    train = cohort_of("log-floor")
    made = make_generator("bootstrap").fit(train).sample(60, seed=1)
    for suffix in (".csv.gz", ".parquet", ".h5ad"):
        write_cohort(made, tmp_path / f"virtual{suffix}")
        assert [one for one in failures(tmp_path / f"virtual{suffix}", train) if "60 samples equal to" in one]
    images = cohort_of("image")
    write_cohort(make_generator("bootstrap").fit(images).sample(20, seed=1), tmp_path / "pictures")
    assert [one for one in failures(tmp_path / "pictures", images) if "20 samples equal to" in one]


def test_sequences_equal_as_often_as_new_patients_are_a_note(tmp_path: Path) -> None:
    cohort = simulate("tp53-cohort", 900, seed=0)
    train, new = cohort.take(range(600)), cohort.take(range(600, 900))
    names = np.array([f"virtual-{i}" for i in range(300)])
    made = replace(new, obs=new.obs.set_axis(names), subjects=names)
    write_cohort(made, tmp_path / "new.fasta.gz")
    assert not failures(tmp_path / "new.fasta.gz", train)
    write_cohort(make_generator("bootstrap").fit(train).sample(300, seed=1), tmp_path / "copies.fasta.gz")
    assert failures(tmp_path / "copies.fasta.gz", train)


def test_covariates_of_one_patient_and_remarks(tmp_path: Path) -> None:
    train = cohort_of("log-floor")
    born = [f"19{row:02d}-03-04" for row in range(60)]
    train = replace(train, obs=train.obs.assign(born=born))
    made = fitted("mvn", "log-floor").sample(60, seed=1)
    remark = "came back after the second cycle with fever and was seen by the night team"
    made = replace(made, obs=made.obs.assign(born=["2001-01-01"] * 59 + [born[7]], remark=["none", remark] * 30))
    write_cohort(made, tmp_path / "virtual.h5ad")
    found = scan(tmp_path / "virtual.h5ad", train)
    assert ArtefactFinding("a value unique to one training patient", "virtual.h5ad: covariate born", "fail") in found
    assert ArtefactFinding("free text", "virtual.h5ad: covariate remark", "note") in found


def test_pickles_and_the_unknown(tmp_path: Path) -> None:
    train = cohort_of("counts")
    (tmp_path / "model.pt").write_bytes(b"PK")
    (tmp_path / "slides.pptx").write_bytes(b"PK")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    found = {one.where.rpartition("/")[2]: one for one in scan(tmp_path, train)}
    assert found["model.pt"].severity == "fail"
    assert found["slides.pptx"].severity == found["broken.npz"].severity == "note"
    assert "not scanned" in found["slides.pptx"].what
    with pytest.raises(DataError, match="no such file or folder"):
        scan(tmp_path / "absent", train)
