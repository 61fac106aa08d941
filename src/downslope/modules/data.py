"""Data for PyTorch modules: arrays, tensors, data sets and loaders, handed out in batches.

The order of an epoch depends on the seed and the number of the epoch only, and for arrays and
tensors it is the order of rows in memory, so a module and a network of ours see the same batches.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, IterableDataset, default_collate

from downslope.errors import InputError, PairError, SettingError

Array = Any
BLOCK_ROWS = 4096
"""Rows per block where all rows are read for one number."""


class Batch(NamedTuple):
    """What a module is given, how many rows that is, and the seed of any noise in the module."""

    content: Any
    n_rows: int
    seed: int


class Batches(Protocol):
    """Data of a module."""

    def batch_size(self, asked: int | None) -> int | None:
        """Rows per step where a walk asks for so many; None means all rows at each step."""
        ...

    def n_batches(self, size: int | None) -> int:
        """Steps per epoch at that batch size."""
        ...

    def epoch(self, size: int, seed: int, epoch: int) -> Iterator[Any]:
        """One epoch of batches."""
        ...

    def blocks(self) -> Iterator[Any]:
        """All rows, in parts that fit in memory."""
        ...


@dataclass(frozen=True)
class TensorBatches:
    """Tensors of equal length, where the module lives."""

    tensors: tuple[Tensor, ...]

    def batch_size(self, asked: int | None) -> int | None:
        return None if asked is None or asked >= len(self.tensors[0]) else asked

    def n_batches(self, size: int | None) -> int:
        return -(-len(self.tensors[0]) // (size or len(self.tensors[0])))

    def epoch(self, size: int, seed: int, epoch: int) -> Iterator[Any]:
        first = self.tensors[0]
        order = torch.from_numpy(shuffled(len(first), seed, epoch)).to(first.device)
        for rows in order.split(size):
            yield tuple(tensor[rows] for tensor in self.tensors)

    def blocks(self) -> Iterator[Any]:
        for i in range(0, len(self.tensors[0]), BLOCK_ROWS):
            yield tuple(tensor[i : i + BLOCK_ROWS] for tensor in self.tensors)


@dataclass(frozen=True)
class DatasetBatches:
    """A map-style data set; its rows are stacked by PyTorch's ``default_collate``."""

    dataset: Any

    def batch_size(self, asked: int | None) -> int | None:
        return None if asked is None or asked >= len(self.dataset) else asked

    def n_batches(self, size: int | None) -> int:
        return -(-len(self.dataset) // (size or len(self.dataset)))

    def epoch(self, size: int, seed: int, epoch: int) -> Iterator[Any]:
        order = shuffled(len(self.dataset), seed, epoch).tolist()
        for i in range(0, len(order), size):
            yield default_collate([self.dataset[j] for j in order[i : i + size]])

    def blocks(self) -> Iterator[Any]:
        for i in range(0, len(self.dataset), BLOCK_ROWS):
            rows = range(i, min(i + BLOCK_ROWS, len(self.dataset)))
            yield default_collate([self.dataset[j] for j in rows])


@dataclass(frozen=True)
class LoaderBatches:
    """A ``DataLoader``, which decides on batch size and order itself.

    A loader that shuffles without a generator of its own follows the walk's seed.
    """

    loader: Any

    def batch_size(self, asked: int | None) -> int | None:
        if asked is not None:
            raise PairError(
                f"A DataLoader brings its own batches, so batch_size={asked} cannot hold; leave "
                "batch_size out, or give the loader's dataset instead."
            )
        streams = isinstance(self.loader.dataset, IterableDataset)
        return self.loader.batch_size or 1 if streams or len(self.loader) > 1 else None

    def n_batches(self, size: int | None) -> int:
        if isinstance(self.loader.dataset, IterableDataset):
            raise SettingError(
                "rate='auto' plans the whole run, but a stream does not say how long it is; give "
                "a number."
            )
        return len(self.loader) if size is not None else 1

    def epoch(self, size: int, seed: int, epoch: int) -> Iterator[Any]:
        torch.default_generator.manual_seed(noise_seed(seed, epoch, 0))
        yield from self.loader

    def blocks(self) -> Iterator[Any]:
        yield from self.loader


def shuffled(n: int, seed: int, epoch: int) -> Array:
    """Order of the rows in one epoch: the one that rows in memory have."""
    return np.random.default_rng((seed, epoch)).permutation(n)


def noise_seed(seed: int, epoch: int, number: int) -> int:
    """Seed of the noise (dropout, say) in one batch."""
    return int(np.random.SeedSequence((seed, epoch, number)).generate_state(1)[0])


def seed_noise(seed: int, device: torch.device) -> None:
    """Seed the random numbers that a module on ``device`` may draw there or on the CPU.

    ``torch.manual_seed`` would seed every kind of device there is, and format a traceback for each:
    0.6 ms per call.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def make_batches(data: Any, dtype: torch.dtype, device: torch.device) -> Batches:
    """Arrays, tensors, a data set or a loader as batches.

    Arrays and tensors move to ``device``; floating-point ones take ``dtype``.

    Raises
    ------
    InputError
        If ``data`` is none of these, is empty, or its parts differ in length.

    Examples
    --------
    >>> pair = make_batches(([[1.0], [2.0]], [0, 1]), torch.float32, torch.device("cpu"))
    >>> next(pair.blocks())
    (tensor([[1.], [2.]]), tensor([0, 1]))
    """
    if isinstance(data, DataLoader):
        return LoaderBatches(data)
    if isinstance(data, Dataset):
        return DatasetBatches(data)
    if not isinstance(data, (tuple, list)):
        raise InputError(
            f"data is a {type(data).__name__}; give a tuple of arrays or tensors such as (X, y), "
            "a torch Dataset or a DataLoader."
        )
    tensors = tuple(as_tensor(part, dtype, device) for part in data)
    lengths = {len(tensor) for tensor in tensors}
    if len(lengths) != 1 or lengths == {0}:
        counts = " and ".join(str(len(tensor)) for tensor in tensors) or "no"
        raise InputError(
            f"The parts of data have {counts} rows; all need the same number, 1 or more."
        )
    return TensorBatches(tensors)


def as_tensor(part: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    """An array or tensor on ``device``; floating-point numbers in ``dtype``, others as they are."""
    tensor = part if isinstance(part, Tensor) else torch.from_numpy(np.array(part))
    return tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)


def on_device(content: Any, device: torch.device) -> Any:
    """A batch of tensors, in tuples, lists and dictionaries, on ``device``."""
    if isinstance(content, Tensor):
        return content.to(device, non_blocking=True)
    if isinstance(content, dict):
        return {key: on_device(part, device) for key, part in content.items()}
    if isinstance(content, (tuple, list)):
        return tuple(on_device(part, device) for part in content)
    return content


def count_rows(content: Any) -> int:
    """Rows in a batch: the length of the first tensor in it."""
    if isinstance(content, Tensor):
        return len(content)
    return count_rows(next(iter(content.values() if isinstance(content, dict) else content)))
