"""Verification of a released folder: checksums, links, and whether audit, cards and samples agree with each other."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cohortsmith.app.release.audit_files import version
from cohortsmith.app.release.cards import decision_of, markdown
from cohortsmith.app.workspace import read_json
from cohortsmith.data import DataError
from cohortsmith.data.io import sha256
from cohortsmith.evaluation.html.audit import headline
from cohortsmith.evaluation.privacy import read_audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CHECKSUMS = "SHA256SUMS"
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_OWN = frozenset(
    [
        CHECKSUMS,
        "audit.html",
        "audit.json",
        *(f"{card}_card.{end}" for card in ("model", "data") for end in ("json", "md")),
    ]
)


def stamp(folder: Path) -> None:
    """Write the checksums of every file under `folder`, in the form that `sha256sum --check` reads."""
    lines = [f"{sha256(folder / name)}  {name}" for name in _files(folder)]
    (folder / CHECKSUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def changes(folder: Path) -> list[str]:
    """What has changed in a released folder or contradicts itself, one line each.

    Checksums detect accidental changes; they are no signature, since anyone who edits a file can update its checksum.
    Whoever edits the audit or a card as well is noticed where these no longer agree with each other or the samples.

    Raises:
        DataError: not a released folder.
    """
    if not (folder / CHECKSUMS).is_file():
        raise DataError(f"{folder} is not a released folder: {CHECKSUMS} was expected in it, as `release` writes it")
    links = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_symlink()]
    found = [f"{name} is a symbolic link; a release holds none" for name in links]
    stamped = _stamped(folder)
    if stamped is None:
        return [*found, f"{CHECKSUMS} has changed since the release: it is no longer a list of checksums"]
    present = set(_files(folder))
    missing = [f"{name} is missing; it was part of the release" for name in stamped if name not in present]
    added = [f"{name} was added after the release" for name in sorted(present - set(stamped))]
    changed = [name for name in stamped if name in present and sha256(folder / name) != stamped[name]]
    found = [*(f"{name} has changed since the release" for name in changed), *missing, *added, *found]
    return found or list(_contradictions(folder, {name: stamped[name] for name in present - _OWN}))


def _stamped(folder: Path) -> dict[str, str] | None:
    """Checksum of each file, by name; None if they are no list of checksums."""
    stamped: dict[str, str] = {}
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return None
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or not _inside(match[2]):
            return None
        stamped[match[2]] = match[1]
    return stamped


def _contradictions(folder: Path, samples: Mapping[str, str]) -> Iterator[str]:
    """Where audit, cards and samples do not agree, although every checksum does."""
    try:
        facts = read_json(folder / "audit.json")
        cards = {name: read_json(folder / f"{name}_card.json") for name in ("model", "data")}
        stated = facts["stamp"]["sha256"]["samples"]
        outcomes = [row["outcome"] for row in facts["criteria"]]
        decision = facts["decision"]
        audited = {name: card["audit"] for name, card in cards.items()}
    except (DataError, KeyError, TypeError) as error:
        what = str(error) if isinstance(error, DataError) else "audit.json or a card lacks what a release states"
        yield what.replace(f"{folder}/", "")
        return
    if stated != dict(samples):
        yield "audit.json: the samples it audited are not those in this folder"
    expected = "fail" if "fail" in outcomes else "pass" if set(outcomes) == {"pass"} else "not evaluable"
    if decision != expected:
        yield f"audit.json: the decision is {decision!r}, and the outcomes of its criteria make {expected!r}"
    for name, card in audited.items():
        forced = "warning" in cards[name]
        if forced != (decision != "pass"):
            yield f"{name}_card.json: {'it warns of' if forced else 'it lacks the warning of'} a release by force"
        if not isinstance(card, dict):
            yield f"{name}_card.json has no audit"
    if facts["stamp"].get("version") == version() and "policy" in facts["stamp"]:  # other versions may judge otherwise
        yield from _judged_again(folder, facts, cards)


def _judged_again(folder: Path, facts: dict[str, Any], cards: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    """What differs when the figures that are stated are judged again by the limits that are stated."""
    try:
        audit = read_audit(facts)
        said = decision_of(facts)
    except DataError as error:
        yield str(error)
        return
    judged = audit.judged()
    if facts["stamp"]["policy"] != audit.policy.digest():
        yield "audit.json: the limits of its policy are not those that its stamp has the digest of"
    stated = {row["name"]: (row["outcome"], row["words"], row["blocked"]) for row in facts["criteria"]}
    for each in judged.judgements:
        if stated.get(each.criterion.name) != (each.outcome, each.words, each.blocked):
            yield f"audit.json: {each.criterion.name} is not what its own figure and limit make of it"
    for row in facts["criteria"]:
        limits = facts["policy"]["criteria"].get(row["name"], {})
        if any(row.get(key) != limits.get(key) for key in ("limit", "block", "least")):
            yield f"audit.json: {row['name']} is stated with other limits than those of its policy"
    for name, card in cards.items():
        if json.loads(json.dumps(said)) != card["audit"]:
            yield f"{name}_card.json: its audit is not that of audit.json"
        if markdown(card) != (folder / f"{name}_card.md").read_text(encoding="utf-8"):
            yield f"{name}_card.md does not say what {name}_card.json says"
    page = (folder / "audit.html").read_text(encoding="utf-8")
    if headline(judged) not in page or any(
        digest not in page for digest in facts["stamp"]["sha256"]["samples"].values()
    ):
        yield "audit.html is not the page of audit.json"


def _files(folder: Path) -> list[str]:
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return sorted(name for name in names if name != CHECKSUMS)


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
