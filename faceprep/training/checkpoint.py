"""Read checkpoints: networks, optimizers, random states and configuration in one safetensors file.

Files are untrusted: names, shapes, types and sizes are checked against the configuration before
anything is overwritten, and a file cannot run code.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from torch.optim import Optimizer

from faceprep.core.errors import Again
from faceprep.training import optimizer_state, random_state
from faceprep.training.checkpoint_format import (
    DOCUMENT,
    DTYPE_NAMES,
    DTYPES,
    FORMAT,
    Header,
    Scalar,
    State,
    digest,
    finite,
    parse_json,
    plain,
    read_header,
    refuse,
    tensors_of,
)
from faceprep.training.random_state import Streams


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint with a valid header, whose tensors have not been read."""

    path: Path  # its file
    #: Kind and preset of the generator, and its configuration as plain values, not yet validated.
    kind: str
    preset: str
    config: dict[str, Any]
    #: Arguments of `checkpoint_writer.write_checkpoint`.
    progress: dict[str, Scalar]
    extra: dict[str, Any]
    document: dict[str, Any] = field(repr=False)  # the whole JSON document
    _header: Header = field(repr=False)

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks in the file."""
        return tuple(self._group("network"))

    def names(self, network: str) -> list[str]:
        """Return the names of the tensors of a network; empty if the file lacks it."""
        prefix = f"network/{network}/"
        return [name.removeprefix(prefix) for name in self._group("network").get(network, [])]

    def tensors(self, network: str) -> dict[str, tuple[torch.Size, torch.dtype]]:
        """Return name → shape and type of the tensors of a network."""
        prefix = f"network/{network}/"
        return {
            name.removeprefix(prefix): (torch.Size(info.shape), DTYPES[info.dtype])
            for name, info in self._header.tensors.items()
            if name.startswith(prefix)
        }

    @property
    def resumable(self) -> bool:
        """Whether the file has optimizers and random states."""
        return bool(self.document["optimizers"]) and "random" in self.document

    def _group(self, first: str) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name in self._header.tensors:
            start, _, rest = name.partition("/")
            if start == first:
                names.setdefault(rest.partition("/")[0], []).append(name)
        return names

    def expect(
        self,
        kind: str | None = None,
        preset: str | None = None,
        config: Mapping[str, Any] | None = None,
    ) -> None:
        """Refuse another kind, preset or configuration.

        Raises
        ------
        FaceprepError
            They differ; the message names the first difference.
        """
        if kind is not None and self.kind != kind:
            refuse(self.path, f"it is of the generator '{self.kind}', not '{kind}'")
        if preset is not None and self.preset != preset:
            refuse(
                self.path,
                f"it is of preset '{self.preset}', not '{preset}'",
                hint=(
                    Again({"train.preset": self.preset}),
                    Again({"overwrite": True}, note="trains again"),
                ),
            )
        for key, value in sorted((config or {}).items()):
            wanted = list(value) if isinstance(value, tuple) else value
            if self.config.get(key) != wanted:
                found = json.dumps(self.config.get(key))[:80]
                refuse(self.path, f"its {key} is {found}, not {json.dumps(wanted)[:80]}")

    def expect_same(self, kind: str, config: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Refuse to resume another training, or from a file for inference.

        `facts` are the settings, data and features that a resumed training must share.

        Raises
        ------
        FaceprepError
            They differ; the message names the first difference.
        """
        self.expect(kind=kind, preset=config.get("preset"), config=config)
        if not self.resumable:
            refuse(self.path, "it is for use only")
        for key, value in plain(facts).items():
            found = self.extra.get(key)
            if found != value:
                refuse(
                    self.path,
                    f"it is of another training: {_difference(key, found, value)}",
                    hint=("set it back, or", Again({"overwrite": True}, note="trains again")),
                )

    def check(self, networks: Mapping[str, State]) -> None:
        """Compare names, shapes and types with networks, which may be on device ``meta``.

        Raises
        ------
        FaceprepError
            A network is missing in the file, or differs in names, shapes or types.
        """
        groups = self._group("network")
        for name, state in networks.items():
            wanted = {f"network/{name}/{key}": value for key, value in tensors_of(state).items()}
            if name not in groups:
                refuse(self.path, f"it has no network '{name}'")
            missing, unknown = set(wanted) - set(groups[name]), set(groups[name]) - set(wanted)
            for names, what in ((missing, "lacks"), (unknown, "has an unknown")):
                if names:
                    refuse(self.path, f"it {what} tensor '{min(names)[:120]}'")
            for key, value in wanted.items():
                info = self._header.tensors[key]
                shape, dtype = tuple(value.shape), DTYPE_NAMES[value.dtype]
                if (info.shape, info.dtype) != (shape, dtype):
                    refuse(
                        self.path,
                        f"'{key[:120]}' is {info.dtype} {list(info.shape)}, "
                        f"not {dtype} {list(shape)}",
                    )

    def restore(
        self,
        networks: Mapping[str, State],
        optimizers: Mapping[str, Optimizer] | None = None,
        streams: Streams | None = None,
    ) -> None:
        """Restore networks, optimizers and random generators in place, all or none.

        Raises
        ------
        FaceprepError
            Names or shapes differ, a value is NaN, or the hash does not match.
        """
        self.check(networks)
        tensors = self.load()
        states = {name: self._part(tensors, f"optimizer/{name}/") for name in optimizers or {}}
        for name, optimizer in (optimizers or {}).items():
            settings = self.document["optimizers"].get(name)
            problem = optimizer_state.check(optimizer, states[name], settings)
            if problem:
                refuse(self.path, f"in the optimizer '{name}', {problem}")
        draws, values = self._part(tensors, "random/"), self.document.get("random", {})
        if streams is not None:
            problem = random_state.check(streams, draws, values)
            if problem:
                refuse(self.path, problem)
        for name, state in networks.items():
            with torch.no_grad():
                for key, value in tensors_of(state).items():
                    value.copy_(tensors[f"network/{name}/{key}"])
        for name, optimizer in (optimizers or {}).items():
            optimizer_state.restore(optimizer, states[name], self.document["optimizers"][name])
        if streams is not None:
            random_state.restore(streams, draws, values)

    @staticmethod
    def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
        return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

    def load(self) -> dict[str, Tensor]:
        """Read every tensor by its name in the file, and verify the SHA-256.

        Raises
        ------
        FaceprepError
            The file is damaged, or has NaN or infinite weights.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in self._header.tensors}
        except (OSError, SafetensorError) as error:
            refuse(self.path, f"it cannot be read ({error})")
        for name, value in tensors.items():
            info = self._header.tensors[name]
            if (tuple(value.shape), value.dtype) != (info.shape, DTYPES[info.dtype]):
                refuse(self.path, "it changed while it was read")
        if digest(tensors, self.document) != self.document.get("sha256"):
            refuse(self.path, "its content is not what was written (SHA-256): damaged")
        for name, value in tensors.items():
            if name.startswith("network/") and not finite(value):
                refuse(self.path, f"'{name[:120]}' holds NaN or infinite values")
        return tensors


def read_checkpoint(path: Path) -> Checkpoint:
    """Read and validate the header of a checkpoint, without its tensors.

    Raises
    ------
    FaceprepError
        The file is missing or damaged, or has another format or a later version.
    """
    header = read_header(path)
    if DOCUMENT not in header.metadata:
        refuse(path, "it is a safetensors file of another program")
    document = parse_json(header.metadata[DOCUMENT])
    if not isinstance(document, dict):
        refuse(path, "its description is damaged")
    if document.get("format") != FORMAT:
        refuse(
            path,
            f"its format is {str(document.get('format'))[:20]}, this version reads {FORMAT}",
            hint="update faceprep",
        )
    for key in ("kind", "preset", "config", "progress", "extra", "optimizers", "sha256"):
        wanted = str if key in ("kind", "preset", "sha256") else dict
        if not isinstance(document.get(key), wanted):
            refuse(path, f"its description lacks '{key}'")
    if not isinstance(document.get("random", {}), dict):
        refuse(path, "its description of random states is damaged")
    progress = document["progress"]
    if not all(
        value is None or isinstance(value, int | float | str) for value in progress.values()
    ):
        refuse(path, "its progress is damaged")
    return Checkpoint(
        path=path,
        kind=document["kind"],
        preset=document["preset"],
        config=document["config"],
        progress=cast(dict[str, Scalar], progress),
        extra=document["extra"],
        _header=header,
        document=document,
    )


def _difference(key: str, found: Any, wanted: Any) -> str:
    """Return the innermost difference as text."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        names = sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))
        return _difference(names[0], found.get(names[0]), wanted.get(names[0]))
    if isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = [(a, b) for a, b in zip(found, wanted, strict=True) if a != b]
        return _difference(key, *pairs[0])
    return f"{key} is {str(found)[:60]}, not {str(wanted)[:60]}"
