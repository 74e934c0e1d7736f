"""``train`` and ``classify --engine slurm`` on the stand-in; `tests/cluster` has real signals."""

import json
import shlex
import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from builders.training import WITHOUT_FEATURES, toy_workspace
from typer.testing import CliRunner

from faceprep.cli import app
from faceprep.cli.remedies import spell
from faceprep.cli.single_jobs import SINGLE_JOBS
from faceprep.cli.worker import run_verb
from faceprep.config import Config
from faceprep.core.errors import TYPED, FaceprepError, UsageError
from faceprep.core.progress import Progress
from faceprep.execution.slurm import job_record, single
from faceprep.execution.slurm.engine import RETRIES, SILENT_POLLS
from faceprep.execution.slurm.job_record import JobRecord, create_record, read_records
from faceprep.execution.slurm.queue import QueueError
from faceprep.execution.slurm.sbatch import SubmitError
from faceprep.execution.slurm.single import _wait, _Watch, run
from faceprep.stages.train.run import run_train
from faceprep.workspace import Marker
from faceprep.workspace.artifacts import generator_folder

GOLDEN = Path(__file__).parent / "golden"
QUIET = Progress(quiet=True)
TRAIN = SINGLE_JOBS["train"].verb


def config(place: Path, **settings: object) -> Config:
    training = {
        "preset": "tiny",
        "size": 32,
        "batch": 4,
        "steps": 3,
        "weights": WITHOUT_FEATURES,
        "networks": {"width": 4, "path_width": 4},
    }
    job = {"gpus": 0, "cpus": 1, "signal_seconds": 60}
    return Config.model_validate(
        {
            "workspace": place,
            "engine": "slurm",
            "slurm": {"poll_seconds": 0.1, "train": job},
            "train": {**training, **settings},
        }
    )


def test_a_job_that_dies_is_submitted_again_and_ends_like_a_command(
    tmp_path: Path, slurm: Path
) -> None:
    place = tmp_path / "ws"
    toy_workspace(place)
    (slurm / "die").write_text("1")
    words = []
    for key, value in config(place).train.model_dump(exclude_defaults=True).items():
        pairs = value.items() if isinstance(value, dict) else [("", value)]
        for name, each in pairs:
            words += ["--set", f"train.{key}{'.' if name else ''}{name}={each}"]
    slurm_words = ["slurm.poll_seconds=0.1", "slurm.train.gpus=0", "slurm.train.cpus=1"]
    words += [word for each in slurm_words for word in ("--set", each)]
    command = ["train", "--only", "--workspace", str(place), "--engine", "slurm", "--json", *words]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output + done.stderr
    assert "job 1 died (OUT_OF_MEMORY), submitted again" in done.stderr
    data = json.loads(done.stdout)
    assert (data["job"], data["outcome"]["steps"]) == ("2", 3)
    assert (generator_folder(place) / "generator.safetensors").is_file()
    script = read_records(place, "train")[-1].folder / "2_submission.sh"
    assert "--signal=B:USR1@120" in script.read_text()
    assert "--array" not in script.read_text()


def test_a_table_by_a_job_is_the_one_of_a_command(tmp_path: Path, slurm: Path) -> None:
    tables = {}
    for name in ("job", "alone"):
        place = tmp_path / name
        toy_workspace(place, people=8)
        settings = {"size": 32, "updates": 4, "batch": 8, "look_every": 2, "near_duplicates": 0}
        words = [f"classify.{key}={value}" for key, value in settings.items()]
        if name == "job":
            (slurm / "die").write_text("1")
            job = {"gpus": 0, "cpus": 1, "mem": "2G", "time": 90, "signal_seconds": 60}
            words += [f"slurm.classify.{key}={value}" for key, value in job.items()]
            words += ["engine=slurm", "slurm.poll_seconds=0.1"]
        pairs = [word for each in words for word in ("--set", each)]
        command = [
            "classify",
            "--only",
            "--sweep",
            "0",
            "--seeds",
            "2",
            "--device",
            "cpu",
            "--json",
        ]
        done = CliRunner().invoke(app, [*command, "--workspace", str(place), *pairs])
        assert done.exit_code == 0, done.output + done.stderr
        tables[name] = json.loads(done.stdout)
    assert tables["job"]["rows"] == tables["alone"]["rows"]
    assert tables["job"]["job"] == "2"
    array = read_records(tmp_path / "job", "classify")[-1]
    assert "Accuracy on test faces (%)" in array.log(0).read_text()
    text = (array.folder / "2_submission.sh").read_text()
    text = text.replace(str(array.folder), "FOLDER").replace(array.name, "NAME")
    text = text.replace(shlex.quote(sys.executable), "python")
    assert text == (GOLDEN / "slurm_job.sh").read_text()


@pytest.mark.parametrize("verb", ["train", "classify"])
def test_the_command_prints_what_the_verb_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    done = single.SingleJob("7", tmp_path / "task-0.log", "[red] 1 of 2", {"a": 1})
    monkeypatch.setattr(single, "run", lambda *words, **options: done)
    command = [verb, "--only", "--workspace", str(tmp_path), "--engine", "slurm"]
    printed = CliRunner().invoke(app, command).stdout
    assert printed.startswith("[red] 1 of 2\n")
    assert f"{verb}: job 7 done" in printed
    data = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert data == {"job": "7", "log": str(done.log), "a": 1}


def test_a_job_that_dies_each_time_is_given_up(tmp_path: Path, slurm: Path) -> None:
    place = tmp_path / "my ws"
    toy_workspace(place)
    (slurm / "die").write_text("9")
    words = f"died {RETRIES + 1} times and saved nothing new"
    with pytest.raises(FaceprepError, match=words) as caught:
        run(TRAIN, config(place), QUIET)
    log = read_records(place, "train")[-1].log(0)
    assert shlex.split(spell(caught.value.hint)) == ["tail", str(log)]


def dead(place: Path, monkeypatch: pytest.MonkeyPatch, again: Iterator[str | Exception]) -> _Watch:
    """A job that died long ago, whose next submissions are refused, or get a number."""
    settings = config(place)
    record = settings.model_dump(mode="json")
    array = create_record(place, JobRecord(place, "train", "x", [[]], record, created=0.0, job="1"))

    def submit(*words: object) -> JobRecord:
        said = next(again)
        if isinstance(said, Exception):
            raise said
        (array.folder / "result.json").write_text('{"text": "", "data": {}}')
        return replace(array, job=said)

    monkeypatch.setattr(single, "read_queue", dict)
    monkeypatch.setattr(job_record, "end_state", lambda job, task: "TIMEOUT")
    monkeypatch.setattr(single, "submit_verb", submit)
    monkeypatch.setattr(single.time, "sleep", lambda seconds: None)
    return _Watch(TRAIN, settings, array, QUIET)


def test_an_outage_when_a_job_is_submitted_again_is_waited_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = [QueueError("silent for a moment"), SubmitError("Socket timed out")]
    watch = dead(tmp_path, monkeypatch, iter([*refusals, "2"]))
    assert _wait(watch).job == "2"
    assert watch.tries == 1


def test_an_outage_without_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = iter([SubmitError(f"refusal {k}") for k in range(1, 99)])
    with pytest.raises(SubmitError, match=f"refusal {SILENT_POLLS + 1}$"):
        _wait(dead(tmp_path, monkeypatch, refused))


def test_overwrite_does_not_wait_for_a_job_that_goes_on_with_what_is_there(
    tmp_path: Path, slurm: Path
) -> None:
    (slurm / "hold").touch()
    first = run(TRAIN, config(tmp_path), QUIET, wait=False)
    with pytest.raises(
        UsageError, match=f"job {first.job} continues an earlier training"
    ) as caught:
        run(TRAIN, config(tmp_path), QUIET, overwrite=True, wait=False)
    assert f"scancel {first.job}" in spell(caught.value.hint)
    anew = tmp_path / "anew"
    jobs = [run(TRAIN, config(anew), QUIET, overwrite=True, wait=False) for _ in range(2)]
    assert jobs[0] == jobs[1]


def test_a_finished_training_asks_for_no_second_job(
    tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (slurm / "hold").touch()
    marker = Marker("align", 0, "faces", "settings", 1, {"ok": 1}, "", 0, 0)
    path = tmp_path / "align" / "part-00000.json"
    path.parent.mkdir()
    path.write_text(json.dumps(asdict(marker)))

    def work(config: Config, overwrite: bool) -> tuple[str, dict[str, int]]:
        generator_folder(tmp_path).mkdir()
        (generator_folder(tmp_path) / "training.safetensors").touch()
        return "", {"steps": 3}

    monkeypatch.setitem(SINGLE_JOBS, "train", replace(SINGLE_JOBS["train"], work=work))
    queued = run(TRAIN, config(tmp_path), QUIET, wait=False)
    assert run_verb(read_records(tmp_path, "train")[0]) == 0
    (slurm / f"{queued.job}.job").rename(slurm / "ended")
    monkeypatch.setattr("faceprep.execution.slurm.job_record.RESERVED_SECONDS", 0.0)
    for wait in (True, False):
        found = run(TRAIN, config(tmp_path), QUIET, wait=wait)
        assert (found.job, found.data) == (queued.job, {"steps": 3})
    path.write_text(json.dumps(asdict(replace(marker, input="other faces"))))
    any_file = replace(TRAIN, check=lambda config: None)  # the checkpoint is empty here
    assert run(any_file, config(tmp_path), QUIET, wait=False).data is None


def test_what_the_training_itself_refuses_is_told_with_its_code(
    tmp_path: Path, slurm: Path
) -> None:
    toy_workspace(tmp_path / "ws")
    typed = TYPED.set(("train", "--only", "--workspace", str(tmp_path / "ws")))
    try:
        with pytest.raises(FaceprepError, match="contempt") as caught:
            run(TRAIN, config(tmp_path / "ws", classes=("anger", "contempt")), QUIET)
    finally:
        TYPED.reset(typed)
    assert caught.value.exit_code == UsageError.exit_code


def test_other_settings_are_refused_before_a_job_is_submitted(tmp_path: Path, slurm: Path) -> None:
    place = tmp_path / "ws"
    toy_workspace(place)
    run_train(config(place, steps=1), QUIET)
    with pytest.raises(UsageError, match=r"train\.batch: 4 → 5"):
        run(TRAIN, config(place, steps=1, batch=5), QUIET, wait=False)
    assert not read_records(place, "train")
    assert run(TRAIN, config(place, steps=1, batch=5), QUIET, wait=False, overwrite=True).job


def test_a_table_that_would_lose_rows_is_refused_before_a_job_is_submitted(
    tmp_path: Path, slurm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: Config, progress: Progress, *, dry_run: bool) -> None:
        assert dry_run
        raise UsageError("rows would disappear")

    monkeypatch.setattr("faceprep.stages.classify.run.run_classify", refuse)
    classify = SINGLE_JOBS["classify"].verb
    (tmp_path / "classify").mkdir()
    classify.check(config(tmp_path))  # there is no table to lose
    (tmp_path / "classify/accuracy.parquet").touch()
    with pytest.raises(UsageError, match="rows would disappear"):
        run(classify, config(tmp_path), QUIET, wait=False)
    assert not read_records(tmp_path, "classify")


def test_one_training_at_a_time(tmp_path: Path, slurm: Path) -> None:
    place = tmp_path / "ws"
    toy_workspace(place)
    (slurm / "hold").touch()
    first = run(TRAIN, config(place), QUIET, wait=False)
    assert run(TRAIN, config(place), QUIET, wait=False) == first
    with pytest.raises(UsageError, match="train with other settings") as caught:
        run(TRAIN, config(place, steps=4), QUIET, wait=False)
    assert f"scancel {first.job}" in spell(caught.value.hint)
    assert len(read_records(place, "train")) == 1


def test_only_the_notice_before_the_limit_queues_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM is a scancel, or a preemption after which Slurm itself queues it again."""
    place = tmp_path / "ws"
    toy_workspace(place)
    settings = config(place)
    array = JobRecord(place, "train", "x", [[]], settings.model_dump(mode="json"), overwrite=True)
    claimed = create_record(place, array)
    asked: list[bool] = []
    overwritten: list[bool] = []
    stopped = iter(["SIGTERM", "SIGUSR1", None])

    def run_train(
        config: Config, progress: Progress, pictures: object, *, overwrite: bool
    ) -> object:
        from faceprep.training.loop import Outcome

        overwritten.append(overwrite)
        outcome = replace(Outcome(1, 3, 0), stopped=next(stopped))
        return type("Trained", (), {"outcome": outcome})()

    monkeypatch.setattr("faceprep.stages.train.run.run_train", run_train)
    monkeypatch.setattr("faceprep.report.tables.generator.train_tables", lambda result: ([], {}))
    module = sys.modules["faceprep.cli.single_jobs"]
    monkeypatch.setattr(module, "requeue", lambda: asked.append(True))
    before = signal.getsignal(signal.SIGUSR1)
    try:
        assert [run_verb(claimed) for _ in range(3)] == [143, 143, 0]
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert asked == [True]
    assert overwritten == [True, False, False]  # what was begun is gone on with
