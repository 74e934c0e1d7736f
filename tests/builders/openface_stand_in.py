"""Stand in for the programs of OpenFace: replay CSV files and simulate failures.

The program reads its orders from ``orders.json`` beside it: SHA-256 of a picture → what to do with
it. Its calls are noted in ``calls.txt``, a line each: the tool and how many pictures or folders.
"""

import hashlib
import json
import os
import stat
import sys
from pathlib import Path

from builders.openface_csv import STILL_COLUMNS, VIDEO_COLUMNS, cells, csv_text

CSV = "csv"
DEEDS = (
    "noface",  # only the details, as for an image without a face
    "ignore",  # no output
    "abort",  # as for 11 of 1 376 photographs
    "crash",  # a segmentation fault
    "exit",  # status 3 with a message on stdout
    "hang",
    "garbage",  # bytes where the CSV should be
    "truncated",
    "flood",  # much text, then the CSV
    "child",  # starts another process, then hangs
)

_PROGRAM = r"""#!{python} -IS
import glob, hashlib, json, os, signal, subprocess, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOOL = os.path.basename(sys.argv[0])
orders = json.load(open(os.path.join(HERE, "orders.json")))
arguments, inputs, out = sys.argv[1:], [], None
for flag, value in zip(arguments, arguments[1:]):
    if flag in ("-f", "-fdir"):
        inputs.append(value)
    if flag == "-out_dir":
        out = value
with open(os.path.join(HERE, "calls.txt"), "a") as calls:
    calls.write(f"{{TOOL}} {{len(inputs)}}\n")
with open(os.path.join(HERE, "last.json"), "w") as last:
    json.dump({{"arguments": arguments, "threads": os.environ.get("OMP_NUM_THREADS"),
               "cwd": os.getcwd()}}, last)
if orders.get("start"):
    print(orders["start"])
    sys.exit(1)


def order(path):
    return orders["pictures"].get(hashlib.sha256(open(path, "rb").read()).hexdigest(), {{}})


def obey(deed, stem, text):
    path = os.path.join(out, stem + ".csv")
    details = os.path.join(out, stem + "_of_details.txt")
    with open(details, "w") as stream:
        stream.write("Input:" + stem + "\n")
    if deed == "ignore":
        os.remove(details)
    if deed in ("noface", "ignore"):
        return
    if deed == "abort":
        print("terminate called after throwing an instance of 'std::length_error'", file=sys.stderr)
        print("  what():  cannot create std::vector larger than max_size()", file=sys.stderr)
        sys.stderr.flush()
        os.abort()
    if deed == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if deed == "exit":
        print("Error: Could not open the image: " + inputs[-1])
        sys.exit(3)
    if deed == "child":
        other = subprocess.Popen(["sleep", "300"])
        with open(os.path.join(HERE, "child.txt"), "w") as stream:
            stream.write(str(other.pid))
    if deed in ("hang", "child"):
        time.sleep(300)
    if deed == "flood":
        for _ in range(2000):
            print("x" * 9999)
    with open(path, "wb") as stream:
        data = text.encode()
        stream.write({{"garbage": bytes(range(256)) * 9, "truncated": data[:-99]}}.get(deed, data))


for path in inputs:
    stem = os.path.splitext(os.path.basename(path))[0]
    if TOOL == "FaceLandmarkImg":
        known = order(path)
        obey(known.get("deed"), stem, known.get("csv", ""))
        continue
    files = sorted(glob.glob(os.path.join(path, "*")))
    rows, deeds = [], []
    for k, file in enumerate(files, 1):
        known = order(file)
        deeds.append(known.get("deed"))
        if known.get("row"):
            rows.append(known["row"].replace("FRAME", str(k)))
    text = "\n".join([orders["header"], *rows]) + "\n"
    obey(next((deed for deed in deeds if deed), None), stem, text)
print("[ WARN:0@0.320] global matrix_expressions.cpp (1333) assign", file=sys.stderr)
sys.exit(orders.get("status", 0))
"""


class StandIn:
    """Provide both programs in one folder, and control their behaviour."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.orders: dict = {"pictures": {}, "header": ", ".join(VIDEO_COLUMNS)}
        folder.mkdir(parents=True)
        for tool in ("FaceLandmarkImg", "FeatureExtraction"):
            program = folder / tool
            program.write_text(_PROGRAM.format(python=sys.executable))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.save()

    def order(
        self, picture: Path, deed: str | None = None, text: str = "", au: float = 1.5
    ) -> None:
        """Set the response to an image: an action, the text of a file, or a plain face."""
        row = csv_text([cells(au, frame="FRAME")], VIDEO_COLUMNS).splitlines()[1]
        known = {"deed": deed, "csv": text or csv_text([cells(au)], STILL_COLUMNS), "row": row}
        self.orders["pictures"][hashlib.sha256(picture.read_bytes()).hexdigest()] = known
        self.save()

    def set(self, **orders: object) -> None:
        self.orders |= orders
        self.save()

    def save(self) -> None:
        (self.folder / "orders.json").write_text(json.dumps(self.orders))

    def calls(self) -> list[str]:
        """Return the tool and number of inputs of each call so far."""
        notes = self.folder / "calls.txt"
        return notes.read_text().splitlines() if notes.exists() else []

    def last(self) -> dict:
        """Return arguments, environment and folder of the last call."""
        return json.loads((self.folder / "last.json").read_text())


def is_alive(pid: int) -> bool:
    """Return whether a process is running."""
    try:
        os.kill(pid, 0)
        return b") Z " not in Path(f"/proc/{pid}/stat").read_bytes()
    except (ProcessLookupError, FileNotFoundError):
        return False


def answers(results: list) -> list:
    """Return the first intensity or the reason of each face."""
    return [r.reason or float(r.intensities[0]) for r in results]
