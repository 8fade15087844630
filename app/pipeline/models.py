"""Models in the hands of commands: counts to draw, streaming to a file, saving whole, a line about the fit."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from cohortsmith.app.workspace import whole_folder
from cohortsmith.data import DataError, open_writer
from cohortsmith.data.io import whole_file
from cohortsmith.generators import VAE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cohortsmith.generators import Generator


def require_savable(generator: Generator) -> None:
    """Check before the fit that the model can be saved.

    Raises:
        DataError: it cannot; the message says why.
    """
    if not generator.savable:
        raise DataError(
            f"{generator.family} models cannot be saved: {generator.reason}; "
            "use `cohortsmith compare`, which fits, samples and evaluates in one go"
        )


def save(generator: Generator, out: Path, *, force: bool = False) -> None:
    """Save a model so that `out` is whole or not there.

    Raises:
        DataError: something else stands there, or the disk is full.
    """
    with whole_folder(out, force=force) as working:
        try:
            generator.save(working)
        except SafetensorError as error:
            raise DataError(f"the model could not be written to {out}: {error}") from error


def balancing_counts(train: Mapping[str, int]) -> dict[str, int]:
    """Samples per class that, added to the training patients, make every class as large as the largest.

    Raises:
        DataError: the classes are even already.
    """
    largest = max(train.values())
    counts = {name: largest - count for name, count in train.items() if count < largest}
    if not counts:
        raise DataError(f"every class has {largest} training samples already: nothing to add, ask with --per-class")
    return counts


def how_many(
    generator: Generator, n: int | None, per_class: int | None, counts: Mapping[str, int] | None, balance: bool
) -> dict[str, int]:
    """Samples per class: in all, per class, as named, topping up train, or (none of these) as many as in train.

    Raises:
        DataError: a class the model does not know, or nothing to draw.
    """
    train = {name: count for name, count in generator.class_counts.items() if count}
    if n is not None:
        return generator.apportion(n)
    if per_class is not None:
        return dict.fromkeys(train, per_class)
    if counts is not None:
        return dict(counts)
    return balancing_counts(train) if balance else train


def write_samples(generator: Generator, counts: dict[str, int], seed: int, out: Path) -> dict[str, int]:
    """Stream samples to a file that appears when it is whole; return how many of each class were written."""
    batches = generator.sample_batches(counts, seed)
    first = next(iter(batches))
    drawn = first.class_counts()
    with open_writer(out, first) as writer:
        writer.write(first)
        for batch in batches:
            writer.write(batch)
            for name, count in batch.class_counts().items():
                drawn[name] += count
    return {name: count for name, count in drawn.items() if count}


def write_between(generator: Generator, names: Sequence[str], steps: int, seed: int, out: Path) -> int:
    """Write latent interpolations from each class to the next, `steps` virtual patients each; return their number.

    To a cohort file, or, of images, to a PNG with one row per pair of classes.

    Raises:
        DataError: a family without a latent space, fewer than two classes, an unknown one, or too few steps.
    """
    if not isinstance(generator, VAE):
        raise DataError(f"{generator.family} has no latent space to interpolate in; `cohortsmith fit --family vae` has")
    if len(names) < 2:
        raise DataError(f"--between expects two classes or more, as in --between A,B; got {','.join(names) or 'none'}")
    ways = {
        f"{first} to {last}": generator.interpolate(first, last, steps, seed + leg)
        for leg, (first, last) in enumerate(pairwise(names))
    }
    if out.suffix == ".png":
        from cohortsmith.evaluation.plots import strips

        with whole_file(out) as working:
            working.write_bytes(strips(ways))
    else:
        with open_writer(out, next(iter(ways.values()))) as writer:
            for way in ways.values():
                writer.write(way)
    return steps * len(ways)


def summary(generator: Generator) -> dict[str, Any]:
    """What the generator tells about its fit, as plain values."""
    return {"settings": dict(generator.settings), **generator.summary}


def describe_fit(generator: Generator) -> str:
    """One line about a fit."""
    facts = {key: value for key, value in generator.summary.items() if not isinstance(value, (dict, list))}
    parts = [f"{key.replace('_', ' ')} {_show(value)}" for key, value in facts.items()]
    return f"fitted {generator.family}: " + ", ".join(parts) + _privacy_of(generator)


def _privacy_of(generator: Generator) -> str:
    """A line about differential privacy; nothing without."""
    if not (budget := generator.summary.get("privacy")):
        return ""
    public = ", ".join(budget["taken_as_public"])
    return (
        f"\ndifferential privacy: epsilon {budget['epsilon_spent']:.3g} of {budget['epsilon']:g} at delta "
        f"{budget['delta']:.2g} for each {budget['unit']} (accountant {budget['accountant']}, noise "
        f"{budget['noise_multiplier']:.3g}, {budget['steps']} steps at sampling rate {budget['sample_rate']:.3g}); "
        f"taken as public: {public}"
    )


def profile_of(generator: Generator) -> str:
    """A line about which settings a fit took, where they go by the device; else nothing."""
    if "profile" not in generator.summary:
        return ""
    profile, device = generator.summary["profile"], generator.summary["device"]
    return f"{generator.family}: settings of profile {profile}, fitted on {device}"


def alarms(generator: Generator) -> list[str]:
    """What a person must see of the fit: warnings, such as a mode collapse, and remarks."""
    summary = generator.summary
    return [
        *(f"warning: {generator.family}: {alarm}" for alarm in summary.get("alarms", ())),
        *(f"note: {generator.family}: {remark}" for remark in summary.get("remarks", ())),
    ]


def _show(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
