"""Which device, which arithmetic, how many processes: Lightning Fabric opened from a `Runtime`."""

from __future__ import annotations

import atexit
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from cohortsmith.training.errors import TrainingError

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from cohortsmith.training.plan import Runtime


@dataclass(frozen=True)
class Placement:
    """The device and the arithmetic that a `Runtime` comes to on this machine."""

    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["32-true", "bf16-mixed"]


def place(runtime: Runtime) -> Placement:
    """Return where a run goes on this machine.

    Raises:
        TrainingError: the device asked for, or as many of them, is not here.
    """
    device = runtime.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError("device: cuda was asked for, but PyTorch finds no CUDA device here; use --device auto")
    if device == "mps" and not torch.backends.mps.is_available():
        raise TrainingError("device: mps was asked for, but PyTorch finds no Apple GPU here; use --device auto")
    present = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device, runtime.devices)
    if runtime.devices > present:
        raise TrainingError(f"devices: {runtime.devices} {device} devices were asked for, {present} are here")
    precision = runtime.precision
    if precision == "auto":
        precision = "bf16-mixed" if device == "cuda" and torch.cuda.is_bf16_supported() else "32-true"
    return Placement(device, precision)


def fast_precision(runtime: Runtime) -> Literal["32-true", "bf16-mixed"]:
    """Return the arithmetic for networks of matrix work: bfloat16 also on CPUs with units for it (Intel AMX).

    There it is five times as fast as float32; on other CPUs it is slower. What `runtime` states, stands.
    """
    placement = place(runtime)
    if runtime.precision != "auto" or placement.device != "cpu":
        return placement.precision
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16-mixed" if capabilities.get("amx_bf16") else "32-true"


def open_fabric(runtime: Runtime, placement: Placement) -> Fabric:
    """Start Fabric; with several processes its ``ddp`` strategy runs this very command once more for each.

    Every process therefore comes to the same call of `train`, and goes on after it: see `is_main_process`.
    """
    from lightning_fabric import Fabric  # a second of import that only training needs

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the arithmetic is ours to tell, in the summary
    fabric = Fabric(
        accelerator=placement.device,
        devices=runtime.devices,
        num_nodes=runtime.num_nodes,
        precision=placement.precision,
        strategy="ddp" if runtime.devices * runtime.num_nodes > 1 else "auto",
    )
    fabric.launch()
    if fabric.world_size > 1:
        # A process that ends with gloo's threads alive is now and then aborted by them after its work is done.
        atexit.register(_leave_group)
    return fabric


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def is_main_process() -> bool:
    """Return whether this process is the one that writes files and speaks to the user.

    The others are those that a run over several devices or machines has started; they must write nothing.
    """
    environ = os.environ
    if "RANK" in environ:
        return environ["RANK"] == "0"
    if "SLURM_PROCID" in environ and "LOCAL_RANK" not in environ and environ.get("SLURM_NTASKS", "1") != "1":
        return environ["SLURM_PROCID"] == "0"
    return environ.get("LOCAL_RANK", "0") == "0" and environ.get("NODE_RANK", environ.get("GROUP_RANK", "0")) == "0"
