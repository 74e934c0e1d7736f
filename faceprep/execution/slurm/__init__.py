"""A Slurm cluster: arrays of tasks, each over some shards.

    submit.py    one array through submitit and sbatch
    arrays.py    what was submitted: a folder an array below <workspace>/<stage>/slurm/
    claims.py    which of two commands submits
    queue.py     what squeue says of it
    orders.py    submit what is missing
    engine.py    wait, submit again what died
    task.py      what a task does: ``python -m faceprep.execution.slurm.task FOLDER``
    single.py    a verb as one job that is queued again until it is done
    verbs.py     those verbs: ``train`` and ``classify``

submitit writes the sbatch file (its parameters, the array, the throttle). Its pickles are not
used: they are four files a task in one folder, cannot be read by the next version, and its watcher
needs Slurm's accounting, which small clusters have not. A task's input is a JSON file here, its
output are shards with their markers, as with every engine.

Nothing is remembered but those folders, and nothing is believed because it stands there: whether
a task lives is for squeue to say, whether a shard is done for its marker. So the same command, from
anywhere, at any time, waits for what is under way and submits what is not.
"""

from faceprep.execution.slurm.engine import run

__all__ = ["run"]
