"""Face features φ: frozen networks that say how alike two faces are, behind one interface.

`load.load_features` gives dlib's face-recognition network, which every installation has, or
VGG-Face or VGG-19 from a file of the user's. Each takes the project's aligned crops as they are and
does its own cropping, resizing and normalising, so that gradients reach the crop.
"""

from faceprep.faces.features.base import EMBEDDING, FaceFeatures, Layer
from faceprep.faces.features.load import load_features

__all__ = ["EMBEDDING", "FaceFeatures", "Layer", "load_features"]
