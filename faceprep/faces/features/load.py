"""Load face features by name or from a file."""

from pathlib import Path
from typing import Literal

import torch

from faceprep.core.errors import Hint, MissingToolError
from faceprep.core.files import file_sha256
from faceprep.faces.features.base import FaceFeatures, Source
from faceprep.faces.features.dlib_resnet import MODEL, build_dlib_resnet
from faceprep.faces.features.prepare import template_window
from faceprep.faces.features.vgg import build_vgg, vgg_name
from faceprep.faces.features.vgg_weights import Channels, read_vgg_weights
from faceprep.faces.model_files import AGAIN, dlib_model, pip_install

_DLIB_START = b"\x01\x01\x01\x0dloss_metric_2"
_SMALLEST_SIZE = 16


def load_features(
    spec: str | Path | None = None,
    device: str | torch.device = "cpu",
    *,
    template: str = "expression",
    size: int | Literal["native"] | None = None,
    channels: Channels | None = None,
) -> FaceFeatures:
    """Load frozen face features to a device.

    Parameters
    ----------
    spec : str or Path, optional
        ``dlib`` (the default) is dlib's face-recognition network from the installed wheel. A path
        names a weight file of VGG-Face (``.mat`` of MatConvNet, ``.t7``, ``.pth``,
        ``.safetensors``), of torchvision's VGG-16 or VGG-19 (``.pth``, ``.safetensors``) or of
        dlib's network. The content, not the name, determines the kind.
    device : str or torch.device
        Device of the weights.
    template : str
        Template of the crops. dlib's network uses the part of them on which it was trained.
    size : int or "native", optional
        VGG only: side to which crops are resized, at least 16, or "native" for no resizing.
        Default: 224 for VGG-Face, "native" for the others.
    channels : {"rgb", "bgr"}, optional
        VGG only: order of the colours that the weights expect. By default it follows from the
        layout of the file: blue first for the ``.t7`` of VGG-Face and its ports (layers named
        ``conv_1_1`` or by number), red first otherwise.

    Raises
    ------
    MissingToolError
        If the wheel or the file is missing, or the file is damaged, of another kind or contains
        anything but weights. Code in a file is never executed.
    ValueError
        If there is no such template, or the size is too small.
    """
    template_window(template, "dlib")
    if isinstance(size, int) and size < _SMALLEST_SIZE:
        raise ValueError(f"size is at least {_SMALLEST_SIZE}, got {size}")
    if spec is None or spec == "dlib":
        hint: Hint = pip_install("face_recognition_models", AGAIN)
        path = dlib_model(MODEL)
    else:
        path, hint = Path(spec), "name another weight file, or dlib for the network that is there"
    try:
        features = _read(path, template, size, channels)
    except OSError as error:
        raise MissingToolError(f"cannot read the weights {path}: {error.strerror}", hint) from error
    except ValueError as error:
        raise MissingToolError(f"cannot use the weights {path}: {error}", hint) from error
    return features.to(device)


def _read(
    path: Path,
    template: str,
    size: int | Literal["native"] | None,
    channels: Channels | None,
) -> FaceFeatures:
    digest = file_sha256(path)
    with path.open("rb") as file:
        if file.read(len(_DLIB_START)) == _DLIB_START:
            file.seek(0)
            source = Source("dlib-resnet", path.name, digest)
            return build_dlib_resnet(file.read(), source, template)
    weights = read_vgg_weights(path)
    return build_vgg(
        weights, Source(vgg_name(weights), path.name, digest), size=size, channels=channels
    )
