"""Device, numerical precision and processes: from a `Runtime` to Lightning Fabric."""

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
    """Device and precision that a `Runtime` resolves to on this machine."""

    device: Literal["cpu", "cuda", "mps"]
    precision: Literal["32-true", "bf16-mixed"]


def place(runtime: Runtime) -> Placement:
    """Resolve the device and precision of a run on this machine.

    Raises:
        TrainingError: the requested device, or the number of devices, is not available.
    """
    device = runtime.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise TrainingError(
            "device: cuda was requested, but this machine has no CUDA device for PyTorch; use --device auto"
        )
    if device == "mps" and not torch.backends.mps.is_available():
        raise TrainingError(
            "device: mps was requested, but this machine has no Apple GPU for PyTorch; use --device auto"
        )
    present = {"cuda": torch.cuda.device_count(), "mps": 1}.get(device, runtime.devices)
    if runtime.devices > present:
        raise TrainingError(
            f"devices: {runtime.devices} {device} devices were requested, {present} available on this machine"
        )
    precision = runtime.precision
    if precision == "auto":
        precision = "bf16-mixed" if device == "cuda" and torch.cuda.is_bf16_supported() else "32-true"
    return Placement(device, precision)


def fast_precision(runtime: Runtime) -> Literal["32-true", "bf16-mixed"]:
    """Return the precision for networks dominated by matrix products: bfloat16 also on CPUs with Intel AMX.

    There it is five times as fast as float32; on other CPUs it is slower. A precision stated in `runtime` is kept.
    """
    placement = place(runtime)
    if runtime.precision != "auto" or placement.device != "cpu":
        return placement.precision
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16-mixed" if capabilities.get("amx_bf16") else "32-true"


def open_fabric(runtime: Runtime, placement: Placement) -> Fabric:
    """Start Fabric; with several processes its ``ddp`` strategy runs this same command again for each.

    Every process therefore reaches the same call of `train`, and continues after it: see `is_main_process`.
    """
    from lightning_fabric import Fabric  # takes a second to import, and only training needs it

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # the precision is reported in the summary
    fabric = Fabric(
        accelerator=placement.device,
        devices=runtime.devices,
        num_nodes=runtime.num_nodes,
        precision=placement.precision,
        strategy="ddp" if runtime.devices * runtime.num_nodes > 1 else "auto",
    )
    fabric.launch()
    if fabric.world_size > 1:
        # A process that exits with gloo's threads alive is occasionally aborted by them after its work is done.
        atexit.register(_leave_group)
    return fabric


def _leave_group() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def is_main_process() -> bool:
    """Return whether this process is the one that writes files and prints.

    The others were started by a run over several devices or machines; they must write nothing.
    """
    environ = os.environ
    if "RANK" in environ:
        return environ["RANK"] == "0"
    if "SLURM_PROCID" in environ and "LOCAL_RANK" not in environ and environ.get("SLURM_NTASKS", "1") != "1":
        return environ["SLURM_PROCID"] == "0"
    return environ.get("LOCAL_RANK", "0") == "0" and environ.get("NODE_RANK", environ.get("GROUP_RANK", "0")) == "0"
