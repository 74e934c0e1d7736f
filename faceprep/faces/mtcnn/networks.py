"""Define the three networks of MTCNN in torch, with the weights of the `mtcnn` wheel.

Zhang, Zhang, Li and Qiao, "Joint face detection and alignment using multitask cascaded
convolutional networks", IEEE SPL 2016, figure 2; layer sizes as in `mtcnn` 1.0.0.

The networks accept raw pixels: the input scaling ``(pixel - 127.5) / 128`` is folded into the first
convolution, which is exact because no convolution pads. They return the face probability first.
"""

from collections.abc import Iterator
from functools import cache

import joblib
import numpy as np
import torch
from torch import Tensor, nn

from faceprep.faces.model_files import mtcnn_weights

PIXEL_MEAN = 127.5
"""Pixel value that the networks map to zero; also the value outside the image."""
PIXEL_SCALE = 128.0


class PNet(nn.Module):
    """Propose faces with a 12x12 window that moves over the image in steps of 2 pixels.

    ``(B, 3, H, W)`` float32 in [0, 255] -> probability ``(B, h, w)`` and box offsets
    ``(B, h, w, 4)``, where ``h = ceil((H - 2) / 2) - 4``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 10, 3),
            nn.PReLU(10),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(10, 16, 3),
            nn.PReLU(16),
            nn.Conv2d(16, 32, 3),
            nn.PReLU(32),
        )
        self.offsets = nn.Conv2d(32, 4, 1)
        self.face = nn.Conv2d(32, 2, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Apply the window to a batch of images of one size."""
        features = self.features(pixels)
        probability = self.face(features).softmax(1)[:, 1]
        return probability, self.offsets(features).permute(0, 2, 3, 1)


class RNet(nn.Module):
    """Refine proposals: ``(n, 3, 24, 24)`` -> probability ``(n,)``, box offsets ``(n, 4)``."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 28, 3),
            nn.PReLU(28),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(28, 48, 3),
            nn.PReLU(48),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(48, 64, 2),
            nn.PReLU(64),
            nn.Flatten(),
            nn.Linear(3 * 3 * 64, 128),
            nn.PReLU(128),
        )
        self.offsets = nn.Linear(128, 4)
        self.face = nn.Linear(128, 2)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Classify and refine patches."""
        features = self.features(patches)
        return self.face(features).softmax(1)[:, 1], self.offsets(features)


class ONet(nn.Module):
    """Compute the output: ``(n, 3, 48, 48)`` -> probability ``(n,)``, offsets ``(n, 4)``, points.

    The points ``(n, 10)`` are x of the five key points, then y, as fractions of the box.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3),
            nn.PReLU(32),
            nn.MaxPool2d(3, 2, ceil_mode=True),
            nn.Conv2d(32, 64, 3),
            nn.PReLU(64),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 64, 3),
            nn.PReLU(64),
            nn.MaxPool2d(2, 2, ceil_mode=True),
            nn.Conv2d(64, 128, 2),
            nn.PReLU(128),
            nn.Flatten(),
            nn.Linear(3 * 3 * 128, 256),
            nn.PReLU(256),
        )
        self.offsets = nn.Linear(256, 4)
        self.points = nn.Linear(256, 10)
        self.face = nn.Linear(256, 2)

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classify and refine patches, and find their key points."""
        features = self.features(patches)
        probability = self.face(features).softmax(1)[:, 1]
        return probability, self.offsets(features), self.points(features)


@cache
def load_networks(device: str = "cpu") -> tuple[PNet, RNet, ONet]:
    """Return the three networks with their weights, loaded once per process and device.

    Raises MissingToolError if the `mtcnn` wheel is not installed.
    """
    networks = (PNet(), RNet(), ONet())
    for network, name in zip(networks, ("pnet", "rnet", "onet"), strict=True):
        _load_weights(network, iter(joblib.load(mtcnn_weights(name))))
        network.eval().requires_grad_(False).to(device)
    return networks


def _load_weights(network: nn.Module, arrays: Iterator[np.ndarray]) -> None:
    """Copy Keras arrays, stored in layer order, and fold the input scaling into the network."""
    features, *heads = network.children()
    assert isinstance(features, nn.Sequential)
    for layer in (*features, *heads):
        for parameter in layer.parameters():  # weight, then bias
            array = np.asarray(next(arrays), np.float32)
            if isinstance(layer, nn.Conv2d) and array.ndim == 4:
                array = array.transpose(3, 2, 0, 1)
            elif isinstance(layer, nn.Linear) and array.ndim == 2:
                array = (_channels_first(array) if layer in features else array).T
            values = torch.from_numpy(np.ascontiguousarray(array))
            parameter.data.copy_(values.view(parameter.shape))
    first = features[0]
    assert isinstance(first, nn.Conv2d)
    assert first.bias is not None
    first.weight.data /= PIXEL_SCALE
    first.bias.data -= PIXEL_MEAN * first.weight.data.sum(dim=(1, 2, 3))


def _channels_first(array: np.ndarray) -> np.ndarray:
    """Reorder the inputs of the first dense layer, which follows a 3x3 map in both networks.

    The networks of the wheel flatten (x, y, channel), torch flattens (channel, y, x).
    """
    inputs, outputs = array.shape
    grid = array.reshape(3, 3, inputs // 9, outputs)
    return grid.transpose(2, 1, 0, 3).reshape(inputs, outputs)
