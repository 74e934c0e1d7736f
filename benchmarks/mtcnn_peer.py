"""One process of the package `mtcnn`, for `mtcnn_speed.py`; runs under the peer's Python.

Reads paths of photographs from standard input, one a line, to an empty line; says `ready` after
loading TensorFlow and finding faces once, waits for a line, and answers with the seconds it took
to read the photographs and find their faces, and how many faces those were.
"""

import sys
import time

import cv2
import tensorflow as tf
from mtcnn import MTCNN


def main() -> None:
    batch = int(sys.argv[1])
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cv2.setNumThreads(1)
    paths = []
    while path := sys.stdin.readline().rstrip("\n"):
        paths.append(path)
    detector = MTCNN()
    for _ in range(2):
        find(detector, paths[:batch], batch)
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    faces = sum(find(detector, paths[i : i + batch], batch) for i in range(0, len(paths), batch))
    print(time.perf_counter() - start, faces, flush=True)


def find(detector: MTCNN, paths: list[str], batch: int) -> int:
    images = [cv2.cvtColor(cv2.imread(path), cv2.COLOR_BGR2RGB) for path in paths]
    if batch == 1:
        return len(detector.detect_faces(images[0]))
    return sum(len(faces) for faces in detector.detect_faces(images))


if __name__ == "__main__":
    main()
