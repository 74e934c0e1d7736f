"""Slurm engine: job arrays whose tasks make groups of shards.

    sbatch.py       the sbatch file of a job, and its submission
    job_record.py   record of a submitted job, a folder below <workspace>/<stage>/slurm/
    reservation.py  arbitration between commands that submit the same shards
    submission.py   distribute shards over tasks, submit those that no task makes
    queue.py        state of our jobs by squeue
    engine.py       wait for tasks, and resubmit lost shards
    verb.py         the single job of a verb: its record, result and submission
    single.py       wait for a single job, which is requeued until it is done
    node.py         functions of a job on its node

A task runs ``python -m faceprep.cli.worker FOLDER``. Its input is the JSON file in the folder; its
output are shards with their markers, as with every engine.

The folders are the only record, and contain no state: squeue decides whether a task is alive, and
the marker decides whether a shard is done. So the same command, from any machine and at any time,
waits for running tasks and submits the remaining shards.
"""
