"""One computing thread per worker, so that sums do not depend on the number of workers."""

import os
import sys

#: Environment of worker processes: one thread for each numerical library.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def one_thread() -> None:
    """Limit this process to one computing thread."""
    os.environ.update(ENVIRONMENT)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    import cv2  # slow to import, and the command itself does not need it

    cv2.setNumThreads(1)
