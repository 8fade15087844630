"""Checkpoints of a run: tensors in safetensors, the rest in JSON, never pickle.

A checkpoint is a folder with ``state-STEP.safetensors`` and ``checkpoint.json``, which points to it and is
replaced atomically once the tensors are complete. A kill at any moment leaves the old or the new checkpoint.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor

_FORMAT = 1
_INDEX = "checkpoint.json"


@dataclass
class Checkpoint:
    """State of a run at one step.

    Attributes:
        step: steps taken.
        identity: digest of everything that must match for a run to be resumed.
        tensors: by slash-separated name.
        values: everything else, JSON-serialisable.
    """

    step: int
    identity: dict[str, str]
    tensors: dict[str, Tensor] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def put(self, prefix: str, tensors: Mapping[str, Tensor]) -> None:
        """Add tensors under a prefix, copied to the CPU."""
        for name, tensor in tensors.items():
            # Tied weights share memory, which safetensors refuses: each name gets its own copy.
            self.tensors[f"{prefix}/{name}"] = tensor.detach().to("cpu", copy=True).contiguous()

    def get(self, prefix: str) -> dict[str, Tensor]:
        """Return the tensors under a prefix."""
        start = f"{prefix}/"
        return {name[len(start) :]: tensor for name, tensor in self.tensors.items() if name.startswith(start)}

    def put_optimizer(self, player: str, optimizer: torch.optim.Optimizer) -> None:
        """Add an optimiser's moments and counters; its settings are the objective's."""
        numbers: dict[str, Any] = {}
        for index, state in optimizer.state_dict()["state"].items():
            for name, value in state.items():
                if isinstance(value, torch.Tensor):
                    self.put(f"optimizer/{player}/{index}", {name: value})
                else:
                    numbers[f"{index}/{name}"] = value
        self.values.setdefault("optimizers", {})[player] = numbers

    def get_optimizer(self, player: str, optimizer: torch.optim.Optimizer) -> None:
        """Restore an optimiser."""
        state: dict[int, dict[str, Any]] = {}
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        entries: dict[str, Any] = {**self.get(f"optimizer/{player}"), **self.values["optimizers"][player]}
        for key, value in entries.items():
            index, name = key.split("/", 1)
            if isinstance(value, torch.Tensor) and value.shape == weights[int(index)].shape:
                # Laid out as the optimiser made it: another order of the same numbers in memory rounds otherwise.
                value = torch.empty_like(weights[int(index)], dtype=value.dtype, device="cpu").copy_(value)
            state.setdefault(int(index), {})[name] = value
        optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, replacing the one in the folder.

    Raises:
        TrainingError: it cannot be written; the previous one is kept.
    """
    state = folder / f"state-{checkpoint.step}.safetensors"
    partial = folder / f"{state.name}.partial"
    index = folder / f"{_INDEX}.partial"
    content = {
        "format": _FORMAT,
        "state": state.name,
        "step": checkpoint.step,
        "identity": checkpoint.identity,
        "values": checkpoint.values,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(checkpoint.tensors, partial)
        os.replace(partial, state)
        index.write_text(json.dumps(content), encoding="utf-8")
        os.replace(index, folder / _INDEX)
        for stale in folder.glob("state-*.safetensors*"):
            if stale != state:
                stale.unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        for left in (partial, index):
            left.unlink(missing_ok=True)
        raise TrainingError(f"the checkpoint could not be written to {folder}: {_reason(error)}") from error


def planned_steps(folder: Path | None) -> int | None:
    """Steps that the unfinished run in a folder was to take; None where there is none."""
    if folder is None:
        return None
    try:
        return int(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["values"]["steps"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # a broken checkpoint is told when it is read


def read_checkpoint(folder: Path, identity: Mapping[str, str]) -> Checkpoint | None:
    """Return the checkpoint in a folder, or None where there is none.

    Raises:
        TrainingError: the folder is not a checkpoint, or the checkpoint is broken or of another run.
    """
    remedy = "delete it or choose another folder"
    if folder.exists() and not folder.is_dir():
        raise TrainingError(f"checkpoint: expected a folder, {folder} is a file; {remedy}")
    index = folder / _INDEX
    if not index.exists():
        others = [entry for entry in folder.iterdir() if ".partial" not in entry.name] if folder.exists() else []
        if any(not entry.name.startswith("state-") for entry in others):
            raise TrainingError(f"checkpoint: {folder} contains other files and no checkpoint; choose another folder")
        return None
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise TrainingError(f"checkpoint: {folder} was written by another version of this program; {remedy}")
        found, step, values = content["identity"], int(content["step"]), content["values"]
        name = str(content["state"])
        if not re.fullmatch(r"state-\d+\.safetensors", name):
            raise KeyError(name)
        differing = [part for part, digest in identity.items() if found.get(part) != digest]
        if differing:
            raise TrainingError(
                f"checkpoint: {folder} belongs to another run (different {', '.join(differing)}); {remedy}"
            )
        tensors = load_file(folder / name)
    except TrainingError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise TrainingError(f"checkpoint: {folder} is broken ({_reason(error)}); {remedy}") from error
    return Checkpoint(step, dict(identity), tensors, values)


def digest_tensors(tensors: Iterable[Tensor]) -> str:
    """Return a SHA-256 of the shapes, types and bytes of tensors, in their order."""
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype};".encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def digest_settings(value: object) -> str:
    """Return a SHA-256 of a dataclass's type and fields, or of the type alone of anything else."""
    text = type(value).__qualname__
    if dataclasses.is_dataclass(value):
        text += re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return hashlib.sha256(text.encode()).hexdigest()


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).splitlines()[0]
