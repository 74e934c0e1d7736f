"""A Slurm cluster: arrays of tasks, each over some shards.

    script.py       the sbatch file of a job
    sbatch.py       submit one job
    job_record.py   what was submitted: a folder for each job below <workspace>/<stage>/slurm/
    reservation.py  which of two commands submits the same shards
    grouping.py     distribute shards over tasks
    submission.py   submit the shards that no task makes
    queue.py        what squeue reports about our jobs
    engine.py       wait, and submit again what died
    verb.py         the single job of a verb: its record, result and submission
    single.py       wait for such a job, which is requeued until it is done
    node.py         what a job does on its node

A task runs ``python -m faceprep.cli.worker FOLDER``. Its input is the JSON file in the folder; its
output are shards with their markers, as with every engine.

Nothing but these folders is remembered, and no state is taken from them: squeue decides whether a
task is alive, and the marker decides whether a shard is done. So the same command, from anywhere
and at any time, waits for what is in progress and submits what is not.
"""
