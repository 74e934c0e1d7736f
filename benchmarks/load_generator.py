"""Measure the CPU time of loading a generator, twice in one process; results in README.md.

python benchmarks/load_generator.py WORKSPACE/train/exprgan/generator.safetensors
"""

import sys
import time
from pathlib import Path

from faceprep.generators.store import load_generator


def main() -> None:
    for name in ("first", "second"):
        started = time.process_time()
        load_generator(Path(sys.argv[1]))
        print(f"{name} load: {time.process_time() - started:.2f} s")


if __name__ == "__main__":
    main()
