"""Name the places of hints that no trial reaches, each with the reason."""

_CLUSTER = "needs a cluster: tests/execution checks that the command is understood"
_KILLED = "needs a process that is killed at a certain moment"
_CORRUPT = "needs data or weights that are damaged in a certain way"
_GPU = "needs faces that were made on a GPU"

#: Function (or folder) whose commands no trial reaches → why.
ELSEWHERE = {
    "cli/augment.py:augment": _CLUSTER,
    "cli/stages.py:_run_stages": _CLUSTER,
    "cli/train.py:train": _KILLED,
    "cli/worker.py:run_stage_of": _CLUSTER,
    "report/show/manifest.py:_redo": _CORRUPT,
    "report/summaries/workspace.py:next_step": _CORRUPT,
    "workspace/discover.py:trained_file": "file_for_use comes first",
    "cli/evaluate/edits.py:evaluate_edits": "takes half a minute",
    "report/sheets/synthetic.py:draw_synthetic": _CORRUPT,
    "metrics/retrieval.py:evaluate_retrieval": "needs a gallery of one person",
    "report/training.py:plot_losses": _KILLED,
    "report/doctor": "needs pip, and packages that are not there",
    "workspace/at_work.py:_refusal": "needs a second process: tests/workspace/test_at_work.py",
    "workspace/workspace.py:redo": "needs synthetic faces that are read alone",
    "training/checkpoint.py:expect": "train names all differences: tests/stages/train",
    "training/checkpoint.py:expect_same": "train names all differences: tests/stages/train",
    "config/record.py:write_record": "needs a full disk",
    "datasets/embedded/extract.py:extract_images": "tests/datasets/embedded",
    "datasets/report.py:mend_names": "needs names that are not UTF-8",
    "datasets/registry.py:_folder_of": "tests/datasets/test_registry.py",
    "datasets/celeba/hq.py:_without_people": "tests/datasets/celeba",
    "datasets/celeba/split.py:_refuse_shared": "tests/datasets/celeba",
    "datasets/celeba/lists.py:read_list": "needs a file that root may not read",
    "datasets/folder/formats.py:read_table": "needs a file that root may not read",
    "datasets/registry.py:_check_root": "needs a folder that root may not read",
    "datasets/words.py:unknown_words": "tests/datasets/test_words.py",
    "evaluation/aus/references.py:_comparable": "needs a second workspace of photographs",
    "evaluation/aus/references.py:facs_codes": "needs a CK+ without its FACS codes",
    "evaluation/aus/selection.py:coverage_notes": "needs an aus manifest that lacks faces",
    "evaluation/aus/selection.py:no_pairs": "needs two workspaces of different people",
    "evaluation/aus/selection.py:selected_faces": "needs a workspace with an empty selection",
    "evaluation/check/baseline.py:read_baseline": _CORRUPT,
    "evaluation/check/comparison.py:<module>": "the default of a Python function",
    "evaluation/check/table.py:remake": _CORRUPT,
    "evaluation/codes.py:evaluate_codes": "needs a test part of two faces",
    "execution/dask": _CLUSTER,
    "execution/slurm": _CLUSTER,
    "execution/shard.py:_check_order": _CORRUPT,
    "faces/action_units/backend.py:_first_available": "landmarks are always available",
    "faces/action_units/backend.py:_other_backend": "landmarks are always available",
    "generators/exprgan/codes.py:intensity_code": "the verbs refuse it before",
    "inference/landmarks.py:displacement": "needs a generator that saw no neutral face",
    "inference/retrieve.py:find_hits": "needs a generator of few classes",
    "metrics/workspace_faces.py:_refuse_unmeasured": _CORRUPT,
    "report/doctor/machine.py:opencv": "needs two builds of OpenCV",
    "report/sheets/contact_sheet.py:contact_sheet": _CORRUPT,
    "stages/augment/existing.py:refuse_mixture": _KILLED,
    "stages/augment/gpu_engine.py:_written": _KILLED,
    "stages/augment/plan.py:_refuse_other_device": _GPU,
    "stages/augment/run.py:run_augment": _CLUSTER,
    "stages/augment/sampler.py:__init__": _KILLED,
    "stages/augment/sources.py:_other_rows": "needs a workspace with another template",
    "stages/augment/sources.py:_refuse_leak": "needs a second workspace of the same people",
    "stages/classify/array_cache.py:read": _KILLED,
    "stages/classify/faces.py:refuse_shared_subjects": _CORRUPT,
    "stages/classify/faces.py:folds_of": "needs a selection of two people",
    "stages/classify/faces.py:_compute": "needs a selection of two people",
    "stages/classify/networks.py:build_classifier": "the network of the paper is slow",
    "stages/classify/plan.py:_run_synthetic": "needs faces of other expressions only",
    "stages/classify/runs.py:read_result": _CORRUPT,
    "stages/classify/synthetic.py:find_synthetic": _CORRUPT,
    "stages/select/run.py:_nothing_selected": "tests/stages/select",
    "stages/select/summary.py:add": "the readers refuse it before",
    "stages/train/plan.py:prepare": "needs a kind with presets of its own",
    "workspace/synthetic.py:load_synthetic": _CORRUPT,
    "workspace/synthetic.py:synthetic_record": _CORRUPT,
    "workspace/training_rows.py:training_rows": _CORRUPT,
}


def tried_elsewhere(place: str, function: str) -> bool:
    """Return whether a function, or its folder, is exempt from a trial."""
    return f"{place}:{function}" in ELSEWHERE or any(
        place.startswith(f"{folder}/") for folder in ELSEWHERE
    )
