"""Several processes that train one network together, as `torchrun` starts them: gradients are summed, rank 0 writes.

Gradients are summed by hand rather than by torch's wrapper: which heads get a gradient differs from sample to sample
and from rank to rank, and a step is made of several backward passes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from types import TracebackType
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from BrainFMEngine.errors import DeviceMemoryError

TIMEOUT = timedelta(minutes=10)


class Group:
    """The processes of a run; a single one needs no communication.

    Attributes:
        rank: of this process, 0 for the one that writes.
        size: number of processes.
        local_rank: among those of this computer, which is also the number of its GPU.
    """

    def __init__(self, rank: int = 0, size: int = 1, local_rank: int = 0):
        self.rank, self.size, self.local_rank = rank, size, local_rank

    @classmethod
    def from_environment(cls, device_kind: str) -> Group:
        """Join the group that `torchrun` describes in the environment; alone without it.

        Args:
            device_kind: "cuda" talks through NCCL, anything else through gloo.

        Raises:
            DeviceMemoryError: the other processes cannot be reached.
        """
        size = int(os.environ.get("WORLD_SIZE", "1"))
        if size == 1:
            return cls()
        try:
            dist.init_process_group("nccl" if device_kind == "cuda" else "gloo", timeout=TIMEOUT)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise DeviceMemoryError(
                f"the processes of this run cannot meet: {reason}", "Start it with torchrun."
            ) from error
        return cls(dist.get_rank(), size, int(os.environ.get("LOCAL_RANK", "0")))

    @property
    def is_first(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all processes, in place; one that no process has stays None."""
        if self.size == 1:
            return
        parameters = list(parameters)
        present = torch.tensor([float(p.grad is not None) for p in parameters], device=parameters[0].device)
        dist.all_reduce(present, op=dist.ReduceOp.MAX)
        used = [p for p, there in zip(parameters, present.tolist(), strict=True) if there]
        if not used:
            return
        flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in used])
        dist.all_reduce(flat)
        for parameter, part in zip(used, flat.split([p.numel() for p in used]), strict=True):
            parameter.grad = part.view_as(parameter).clone()

    def any(self, flag: bool) -> bool:
        """Tell whether the flag is set in any process."""
        if self.size == 1:
            return flag
        value = torch.tensor([float(flag)], device=self._talking_device())
        dist.all_reduce(value, op=dist.ReduceOp.MAX)
        return bool(value.item())

    def mean_terms(self, terms: dict[str, float]) -> dict[str, float]:
        """Average named numbers over the processes that have them."""
        if self.size == 1:
            return terms
        gathered: list[dict[str, float]] = [{}] * self.size
        dist.all_gather_object(gathered, terms)
        names = sorted({name for part in gathered for name in part})
        values = {name: [part[name] for part in gathered if name in part] for name in names}
        return {name: sum(numbers) / len(numbers) for name, numbers in values.items()}

    def share(self, value: Any) -> Any:
        """Give every process the value of rank 0 (plain values and tensors)."""
        if self.size == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def _talking_device(self) -> str:
        return f"cuda:{self.local_rank}" if dist.get_backend() == "nccl" else "cpu"

    def __enter__(self) -> Group:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.size > 1:
            dist.destroy_process_group()
