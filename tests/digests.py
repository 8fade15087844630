"""Digests of everything that is computed: ``python -m tests.digests OUT.json [STAGE ...]``.

Stages: probabilities, figures, samples. Run before and after a change of structure, on one machine: the two files must
be equal. Figures differ between machines, so none is kept here.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
import torch

from cohortsmith.app.pipeline.feature_extractors import image_models
from cohortsmith.data import simulate, split
from cohortsmith.evaluation import METRICS, Comparison
from cohortsmith.evaluation.privacy.auditing import audit
from cohortsmith.generators import FAMILIES
from cohortsmith.ssl_models import KINDS, PRESETS, Classifier
from tests.contracts import test_classifiers, test_generators
from tests.contracts.cohorts import COHORTS, cohort_of, data_kind


def digest(value: Any) -> str:
    """SHA-256 of an array's bytes, of a text, or of plain values as JSON."""
    if isinstance(value, np.ndarray):
        raw = np.ascontiguousarray(value).tobytes() + repr((value.shape, value.dtype.str)).encode()
    else:
        raw = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(raw).hexdigest()[:16]


def samples() -> dict[str, str]:
    """Every family and baseline on each cohort that it learns: x, classes and digests of virtual patients."""
    found = {}
    for family in FAMILIES:
        for kind in COHORTS:
            if data_kind(kind) not in FAMILIES[family].kinds:
                continue
            if family.startswith("sdv"):
                if kind != "log-floor":
                    continue
                settings: dict[str, Any] = {} if family == "sdv-gaussiancopula" else {"epochs": 1}
                generator = FAMILIES[family](**settings)
            else:
                generator = test_generators.fresh(family, kind)
            sample = generator.fit(cohort_of(kind), seed=0).sample({"class-A": 40, "class-C": 30}, seed=2)
            found[f"samples {family} {kind}"] = digest(sample.x) + " " + sample.digest()[:16]
            losses = [{k: v for k, v in row.items() if "seconds" not in k} for row in generator.history]
            found[f"losses {family} {kind}"] = digest(losses)
    return found


def figures() -> dict[str, str]:
    """Every metric and the audit's figures on a simulated cohort of each data kind, `mvn` or `pwm` in between."""
    cohorts = {
        "expression": (simulate("simulated-expression", 400, seed=0, genes=12, classes=3), "mvn", None),
        "sequence": (simulate("tp53-cohort", 400, seed=0), "pwm", None),
        "image": (simulate("simulated-cells", 400, seed=0, classes=3), "mvn", image_models()),
    }
    found = {}
    for kind, (cohort, family, models) in cohorts.items():
        train, holdout = split(cohort, seed=0)
        virtual = FAMILIES[family]().fit(train, seed=0).sample(300, seed=1)
        comparison = Comparison(train, holdout, virtual, image_models=models)
        for metric in METRICS:
            if kind in metric.kinds:
                estimate = metric.compute(comparison, 0).to_json()
                numbers = {key: estimate[key] for key in ("value", "low", "high", "reference", "chance")}
                found[f"metric {kind} {metric.name}"] = digest(numbers)
        result = audit(train, holdout, virtual, seed=0, image_models=models).to_json()
        for name, value in result.items():
            found[f"audit {kind} {name}"] = digest(numbers_of(value))
    return found


def numbers_of(value: Any) -> Any:
    """The numbers in plain values, in order; words may change."""
    if isinstance(value, dict):
        return [numbers_of(value[key]) for key in sorted(value)]
    if isinstance(value, list | tuple):
        return [numbers_of(part) for part in value]
    return value if isinstance(value, int | float | None) else None


def probabilities() -> dict[str, str]:
    """Every backbone, pretext and preset: probabilities and embeddings."""
    found = {}
    for case in test_classifiers.SUPERVISED + test_classifiers.PRETRAINED + test_classifiers.OTHERS:
        model, cohort = test_classifiers.known(case), test_classifiers.patients(case.kind)
        name = "-".join(filter(None, case))
        found[f"classifier {name}"] = digest(model.predict_proba(cohort)) + " " + digest(model.embed(cohort))
    cohort = cohort_of("log-floor")
    for preset, unlabelled in {"small-mlp": None, "small-mlp-mixed": cohort}.items():
        model = Classifier(preset=preset, steps=20).fit(cohort, seed=0, unlabelled=unlabelled)
        found[f"preset {preset}"] = digest(model.predict_proba(cohort))
    found["presets"] = digest(sorted(PRESETS)) + digest(sorted(KINDS))
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    stages = {"probabilities": probabilities, "figures": figures, "samples": samples}
    found: dict[str, str] = {}
    for name in sys.argv[2:] or stages:
        found |= stages[name]()
        out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {len(found)} digests in {out}", flush=True)
