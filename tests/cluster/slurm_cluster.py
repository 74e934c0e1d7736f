"""A Slurm cluster of one node on this machine, from Debian's packages.

    apt-get install -y slurm-wlm munge
    python tests/cluster/slurm_cluster.py start /tmp/cluster    # prints what to export
    python tests/cluster/slurm_cluster.py stop /tmp/cluster

It needs root. Everything lies below the folder that is named, listens on 127.0.0.1 only, and ends
with `stop`; an installed cluster's files in /etc are not touched.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol")

# Jobs that are queued again may start at once (cred_expire); a job killed is gone in a second.
_CONFIG = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0,sched_min_interval=0
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=2
MaxArraySize={array}
MinJobAge=120
SlurmctldTimeout=300
SlurmdTimeout=300
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmUser=root
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=65536 State=UNKNOWN
PartitionName=debug Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str | None:
    """Why no cluster can be started here; ``None`` when it can."""
    if os.geteuid() != 0:
        return "only root can start munged and slurmd"
    absent = [name for name in PROGRAMS if not shutil.which(name, path=_path())]
    if absent:
        return f"no {', '.join(absent)}: apt-get install -y slurm-wlm munge"
    try:
        pwd.getpwnam("munge")
    except KeyError:
        return "no user munge"
    return None


def start(folder: Path, cpus: int = 4, array: int = 1001) -> dict[str, str]:
    """Start munged, slurmctld and slurmd; return the environment of their clients.

    Raises
    ------
    RuntimeError
        When the node does not come up, with the ends of the logs.
    """
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool", "munge"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for parent in (folder, *folder.parents[:-1]):  # munged is another user
        parent.chmod(parent.stat().st_mode | 0o011)
    _start_munge(folder)
    config = folder / "slurm.conf"
    ports = {"controller": _free_port(), "node": _free_port()}
    config.write_text(_CONFIG.format(host=host, folder=folder, cpus=cpus, array=array, **ports))
    environment = {**os.environ, "PATH": _path(), "SLURM_CONF": str(config)}
    for daemon in ("slurmctld", "slurmd"):
        subprocess.run([daemon, "-f", config], env=environment, check=True, capture_output=True)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        state = _output(environment, "sinfo", "-h", "-o", "%T")
        if state.strip() == "idle":
            return environment
        time.sleep(0.2)
    logs = [_tail(folder / f"{name}.log") for name in ("slurmctld", "slurmd")]
    stop(folder)
    raise RuntimeError("the node did not come up\n" + "\n".join(logs))


def stop(folder: Path) -> None:
    """End what `start` started, jobs first."""
    environment = {**os.environ, "PATH": _path(), "SLURM_CONF": str(folder / "slurm.conf")}
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            ["scancel", "--full", "--user=root"],
            env=environment,
            check=False,
            capture_output=True,
            timeout=10,
        )
        _wait(lambda: not _output(environment, "squeue", "-h"), 10)
    for name in ("slurmd", "slurmctld", "munge/munged"):
        with contextlib.suppress(OSError, ValueError):
            process = int((folder / f"{name}.pid").read_text())
            os.kill(process, signal.SIGTERM)
            _wait(lambda process=process: not Path(f"/proc/{process}").exists(), 10)


@contextlib.contextmanager
def cluster(folder: Path, cpus: int = 4, array: int = 1001) -> Iterator[dict[str, str]]:
    """Have a cluster while it is open."""
    environment = start(folder, cpus, array)
    try:
        yield environment
    finally:
        stop(folder)


def _start_munge(folder: Path) -> None:
    place = folder / "munge"
    subprocess.run(["mungekey", "--create", f"--keyfile={place}/key"], check=True)
    owner = pwd.getpwnam("munge")
    for path in (place, place / "key"):
        os.chown(path, owner.pw_uid, owner.pw_gid)
    place.chmod(0o755)
    files = {"key-file": "key", "socket": "socket", "pid-file": "munged.pid", "log-file": "log"}
    flags = [f"--{flag}={place / name}" for flag, name in {**files, "seed-file": "seed"}.items()]
    subprocess.run(
        ["munged", "--force", "--num-threads=1", *flags],
        user="munge",
        group="munge",
        check=True,
        capture_output=True,
    )


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _output(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    return done.stdout


def _wait(condition, seconds: float) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def _tail(path: Path) -> str:
    return "\n".join(path.read_text().splitlines()[-20:]) if path.is_file() else f"no {path}"


def main() -> None:
    """Start or stop a cluster from the command line."""
    if len(sys.argv) != 3 or sys.argv[1] not in ("start", "stop"):
        raise SystemExit(__doc__)
    folder = Path(sys.argv[2]).absolute()
    reason = missing()
    if reason:
        raise SystemExit(reason)
    if sys.argv[1] == "stop":
        stop(folder)
    else:
        print(f"export SLURM_CONF={start(folder)['SLURM_CONF']}")


if __name__ == "__main__":
    main()
