"""Ready command lines for a case that was audited: the audit again, the release, a private fit."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from cohortsmith.evaluation.privacy import Commands

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cohortsmith.app.release.audit_case import Case

_READING = ("label", "label_pattern", "labels", "reference", "alphabet", "resize", "subject")
_PRIVATE = ("diffusion", "gan", "wgan", "vae")
_PRIVATE_KINDS = ("expression", "image")
EPSILON = 10


def commands_of(case: Case) -> Commands:
    """Command lines that can be pasted as they are, with the files and the options that the case was read with."""
    part = case.config.get("data") or {}
    if case.folder is not None:
        run = shlex.quote(str(case.folder))
        return Commands(f"cohortsmith audit {run}", f"cohortsmith release {run} --out released", _private(case, part))
    files = {**case.files, "synthetic": case.samples}
    given = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    line = ["cohortsmith", "audit", *given, *_options(part), "--family", case.family or "NAME"]
    return Commands(shlex.join(line), "", _private(case, part))


def _private(case: Case, part: Mapping[str, Any]) -> str:
    """A fit with differential privacy; "" for a kind that has none, or where medians of patients would be filled in."""
    if case.train.kind not in _PRIVATE_KINDS or part.get("impute") or not part.get("cohort"):
        return ""
    scale = ["--scale", case.train.scale] if case.train.about.scaled else []  # a guess would cost privacy
    family = case.family if case.family in _PRIVATE else "vae"
    fit = ["--family", family, "--dp-epsilon", str(EPSILON), "--out", "private"]
    return shlex.join(["cohortsmith", "fit", str(part["cohort"]), *_options(part), *scale, *fit])


def _options(part: Mapping[str, Any]) -> list[str]:
    words = [(f"--{name.replace('_', '-')}", str(part[name])) for name in _READING if part.get(name)]
    words += [("--covariate", str(name)) for name in part.get("covariates") or ()]
    return [word for pair in words for word in pair]
