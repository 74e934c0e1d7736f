"""Run the package `mtcnn` in one process, for `mtcnn_speed.py`, in a separate environment.

The process reads paths of photographs from standard input, one per line, up to an empty line. It
prints `ready` after loading TensorFlow and a warm-up, waits for a line, and prints the seconds for
reading the photographs and detecting faces, and the number of faces.
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
