"""Compute face features φ with frozen networks that measure the similarity of faces.

`load.load_features` returns dlib's face-recognition network, which is always installed, or VGG-Face
or VGG-19 from a file of the user. Each network accepts aligned crops and does its own cropping,
resizing and normalization, so that gradients reach the crop.
"""

from faceprep.faces.features.base import EMBEDDING, FaceFeatures, Layer
from faceprep.faces.features.load import load_features

__all__ = ["EMBEDDING", "FaceFeatures", "Layer", "load_features"]
