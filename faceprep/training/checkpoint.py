"""Networks, optimizers, random states and configuration in one safetensors file.

========================  ====================================================================
``network/N/KEY``         tensors of the network (or averaged state) N, by its own names
``optimizer/N/I/FIELD``   of the optimizer N, for its I-th parameter
``random/NAME``           random states (bytes)
metadata ``faceprep``     JSON: kind, preset, configuration, progress, settings of the optimizers,
                          SHA-256 of all tensors and of this
========================  ====================================================================

A file is written beside its place and moved in, so that a killed process leaves the old one or the
new one. A file is read with suspicion: names, shapes, types and sizes are compared with what the
configuration asks for before anything is overwritten, and nothing in it can run code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from faceprep.core.errors import FaceprepError
from faceprep.core.files import atomic_write
from faceprep.training import optimizer_state, random_state
from faceprep.training.random_state import Streams
from faceprep.training.tensor_file import Header, parse_json, read_header, refuse

FORMAT = 1

#: A module, or tensors by name (an average); both are filled in place.
State = nn.Module | Mapping[str, Tensor]

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}

_Scalar = int | float | str | bool | None


def save(
    path: Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    networks: Mapping[str, State],
    optimizers: Mapping[str, Optimizer] | None = None,
    streams: Streams | None = None,
    progress: Mapping[str, _Scalar] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint; the file at `path` is the old one until it is the whole new one.

    Parameters
    ----------
    path
        ``….safetensors``; its folder must exist.
    kind, config
        Which generator (`generators.base.KINDS`), and its configuration as plain values, with its
        preset under ``preset``.
    networks
        By names without a slash.
    optimizers, streams
        For resuming; without them the file is for use only.
    progress
        Step, epoch, images seen, stage: what the loop needs to go on.
    extra
        More JSON of the user's, e.g. a calibration of the intensity.

    Raises
    ------
    FaceprepError
        A weight is NaN or infinite (the earlier file stays), or the file cannot be written.
    """
    tensors = _network_tensors(networks)
    broken = next((name for name, value in tensors.items() if not _finite(value)), None)
    if broken is not None:
        raise FaceprepError(
            f"'{broken}' holds NaN or infinite values, so {path} was not written",
            hint="faceprep train resumes from the last good checkpoint; lower the learning rate",
        )
    document: dict[str, Any] = {
        "format": FORMAT,
        "kind": kind,
        "preset": config.get("preset"),
        "config": dict(config),
        "progress": dict(progress or {}),
        "extra": dict(extra or {}),
        "optimizers": {},
    }
    for name, optimizer in (optimizers or {}).items():
        states, settings = optimizer_state.capture(optimizer)
        tensors |= {f"optimizer/{name}/{key}": value for key, value in states.items()}
        document["optimizers"][name] = settings
    if streams is not None:
        states, document["random"] = random_state.capture(streams)
        tensors |= {f"random/{key}": value for key, value in states.items()}
    tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    document = plain(document)
    document["sha256"] = _digest(tensors, document)
    _write(path, tensors, json.dumps(document))


def add_extra(path: Path, values: Mapping[str, Any]) -> None:
    """Write a checkpoint anew with more JSON in ``extra``; everything else stays as it is.

    Raises
    ------
    FaceprepError
        The file is damaged, or cannot be written; it stays what it was.
    """
    file = read(path)
    tensors = file.load()
    document = plain({**file._document, "extra": {**file.extra, **values}})
    document["sha256"] = _digest(tensors, document)
    _write(path, tensors, json.dumps(document))


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values as a reader will see them: tuples are lists."""
    return dict(json.loads(json.dumps(values, allow_nan=False)))


def _network_tensors(networks: Mapping[str, State]) -> dict[str, Tensor]:
    return {
        f"network/{name}/{key}": value
        for name, state in networks.items()
        for key, value in _tensors(state).items()
    }


def _tensors(state: State) -> Mapping[str, Tensor]:
    return state.state_dict() if isinstance(state, nn.Module) else state


def _finite(value: Tensor) -> bool:
    return not value.is_floating_point() or bool(torch.isfinite(value).all())


def _digest(tensors: Mapping[str, Tensor], document: Mapping[str, Any]) -> str:
    told = {key: value for key, value in document.items() if key != "sha256"}
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _write(path: Path, tensors: dict[str, Tensor], document: str) -> None:
    try:
        with atomic_write(path, sync=True) as temporary:
            save_file(tensors, temporary, metadata={"faceprep": document})
    except (OSError, SafetensorError) as error:
        raise FaceprepError(
            f"{path} cannot be written: {error}",
            hint="make room or name another folder, then type the same command again",
        ) from None


@dataclass(frozen=True)
class Checkpoint:
    """A file whose header is in order; its tensors are still on the disk.

    Attributes
    ----------
    path
        Where it lies.
    kind, preset, config
        Which generator; `config` is plain values, to be checked by the generator's own reader.
    progress, extra
        As they were given to `save`.
    """

    path: Path
    kind: str
    preset: str
    config: dict[str, Any]
    progress: dict[str, _Scalar]
    extra: dict[str, Any]
    _header: Header = field(repr=False)
    _document: dict[str, Any] = field(repr=False)

    @property
    def networks(self) -> tuple[str, ...]:
        """Names of the networks in the file."""
        return tuple(self._group("network"))

    def names(self, network: str) -> list[str]:
        """Names of the tensors of one network; none if the file does not have it."""
        prefix = f"network/{network}/"
        return [name.removeprefix(prefix) for name in self._group("network").get(network, [])]

    @property
    def resumable(self) -> bool:
        """The file has optimizers and random states."""
        return bool(self._document["optimizers"]) and "random" in self._document

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
        """Refuse another kind, another preset, or a configuration that differs.

        Raises
        ------
        FaceprepError
            Naming the first difference; the hint says how to go on with this file.
        """
        if kind is not None and self.kind != kind:
            refuse(self.path, f"it is of the generator '{self.kind}', not '{kind}'")
        if preset is not None and self.preset != preset:
            refuse(
                self.path,
                f"it is of preset '{self.preset}', not '{preset}'",
                hint=f"faceprep train --set train.preset={self.preset}, or train again: "
                "faceprep train --overwrite",
            )
        for key, value in sorted((config or {}).items()):
            wanted = list(value) if isinstance(value, tuple) else value
            if self.config.get(key) != wanted:
                found = json.dumps(self.config.get(key))[:80]
                refuse(self.path, f"its {key} is {found}, not {json.dumps(wanted)[:80]}")

    def check(self, networks: Mapping[str, State]) -> None:
        """Compare names, shapes and types with networks, which may be on device ``meta``.

        Raises
        ------
        FaceprepError
            A network is not in the file, or has another shape there.
        """
        groups = self._group("network")
        for name, state in networks.items():
            wanted = {f"network/{name}/{key}": value for key, value in _tensors(state).items()}
            if name not in groups:
                refuse(self.path, f"it has no network '{name}'")
            missing, unknown = set(wanted) - set(groups[name]), set(groups[name]) - set(wanted)
            for names, what in ((missing, "lacks"), (unknown, "has an unknown")):
                if names:
                    refuse(self.path, f"it {what} tensor '{min(names)[:120]}'")
            for key, value in wanted.items():
                info = self._header.tensors[key]
                shape, dtype = tuple(value.shape), _NAMES[value.dtype]
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
        """Fill networks, optimizers and random generators in place, all or none of them.

        Raises
        ------
        FaceprepError
            Something does not fit, holds NaN, or the bytes are not those that were written.
        """
        self.check(networks)
        tensors = self.load()
        states = {name: self._part(tensors, f"optimizer/{name}/") for name in optimizers or {}}
        for name, optimizer in (optimizers or {}).items():
            settings = self._document["optimizers"].get(name)
            problem = optimizer_state.check(optimizer, states[name], settings)
            if problem:
                refuse(self.path, f"in the optimizer '{name}', {problem}")
        draws, values = self._part(tensors, "random/"), self._document.get("random", {})
        if streams is not None:
            problem = random_state.check(streams, draws, values)
            if problem:
                refuse(self.path, problem)
        for name, state in networks.items():
            with torch.no_grad():
                for key, value in _tensors(state).items():
                    value.copy_(tensors[f"network/{name}/{key}"])
        for name, optimizer in (optimizers or {}).items():
            optimizer_state.restore(optimizer, states[name], self._document["optimizers"][name])
        if streams is not None:
            random_state.restore(streams, draws, values)

    @staticmethod
    def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
        return {n.removeprefix(prefix): t for n, t in tensors.items() if n.startswith(prefix)}

    def load(self) -> dict[str, Tensor]:
        """Read every tensor by its name in the file, after comparing them with their SHA-256.

        Raises
        ------
        FaceprepError
            The file is damaged, or holds NaN or infinite weights.
        """
        try:
            with safe_open(self.path, framework="pt") as file:
                tensors = {name: file.get_tensor(name) for name in self._header.tensors}
        except (OSError, SafetensorError) as error:
            refuse(self.path, f"it cannot be read ({error})")
        for name, value in tensors.items():
            info = self._header.tensors[name]
            if (tuple(value.shape), value.dtype) != (info.shape, _DTYPES[info.dtype]):
                refuse(self.path, "it changed while it was read")
        if _digest(tensors, self._document) != self._document.get("sha256"):
            refuse(self.path, "its content is not what was written (SHA-256): damaged")
        for name, value in tensors.items():
            if name.startswith("network/") and not _finite(value):
                refuse(self.path, f"'{name[:120]}' holds NaN or infinite values")
        return tensors


def read(path: Path) -> Checkpoint:
    """Read the header of a checkpoint and judge it; no tensor is loaded.

    Raises
    ------
    FaceprepError
        The file is missing, damaged, of another program or of a later version.
    """
    header = read_header(path)
    if "faceprep" not in header.metadata:
        refuse(path, "it is a safetensors file of another program")
    document = parse_json(header.metadata["faceprep"])
    if not isinstance(document, dict):
        refuse(path, "its description is damaged")
    if document.get("format") != FORMAT:
        refuse(
            path,
            f"its format is {str(document.get('format'))[:20]}, this version reads {FORMAT}",
            hint="pip install --upgrade faceprep",
        )
    types = {
        "kind": str,
        "preset": str,
        "config": dict,
        "progress": dict,
        "extra": dict,
        "optimizers": dict,
        "sha256": str,
    }
    for key, kind in types.items():
        if not isinstance(document.get(key), kind):
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
        progress=cast(dict[str, _Scalar], progress),
        extra=document["extra"],
        _header=header,
        _document=document,
    )
