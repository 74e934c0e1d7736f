import cv2
import numpy as np
import pytest

from faceprep.config import SelectConfig
from faceprep.core.errors import UsageError
from faceprep.datasets.registry import open_dataset
from faceprep.datasets.report import Report

#: Number in CelebA-HQ, counted from 0 → number in CelebA.
ORIGINAL = {0: 119_614, 1: 99_095, 2: 200_122, 3: 27_985, 29_999: 70_000}
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"


def lists(mapping: bool = True) -> dict[str, str]:
    """Return CelebA's identities and partition, and the mapping."""
    numbers = sorted({*ORIGINAL.values(), *range(7)} - {0})
    texts = {
        "Anno/identity_CelebA.txt": "".join(f"{n:06d}.jpg {n % 1000}\n" for n in numbers),
        "Anno/list_eval_partition.txt": "".join(
            f"{n:06d}.jpg {2 if n > 182_637 else 0}\n" for n in numbers
        ),
        "Anno/list_landmarks_align_celeba.txt": "".join(
            f"{n:06d}.jpg 69 109 106 113 77 142 73 152 108 154\n" for n in numbers
        ),
    }
    if mapping:
        lines = [f"{k}\t{n - 1}\t{n:06d}.jpg" for k, n in ORIGINAL.items()]
        texts[MAPPING] = "\n".join(["idx\torig_idx\torig_file", *lines]) + "\n"
    return texts


def square(side: int, height: int | None = None) -> bytes:
    return cv2.imencode(".jpg", np.zeros((height or side, side, 3), np.uint8))[1].tobytes()


@pytest.mark.parametrize(
    ("files", "keys"),
    [
        (["0.jpg", "1.jpg", "2.jpg", "29999.jpg"], [0, 1, 2, 29_999]),
        (["00000.jpg", "00002.jpg"], [0, 2]),
        (["00001.png", "00002.png", "30000.png"], [0, 1, 29_999]),  # counted from 1
        (["119614.jpg", "099095.jpg", "200122.jpg"], [1, 0, 2]),  # renamed to CelebA's numbers
    ],
)
@pytest.mark.parametrize("folder", ["CelebA-HQ-img", "celeba_hq/data256x256", "img_align_celeba"])
def test_people_of_celeba_hq_are_those_of_the_mapping(plant, read, folder, files, keys):
    if folder == "img_align_celeba" and "119614.jpg" in files:
        pytest.skip("these are CelebA's own names")
    rows, _ = read("celeba", plant(*(f"{folder}/{name}" for name in files), texts=lists()))
    by_name = {row.path.rpartition("/")[2]: row for row in rows}
    for name, key in zip(sorted(files, key=lambda n: int(n[:-4])), keys, strict=True):
        original = ORIGINAL[key]
        assert by_name[name].subject == f"{original % 1000:05d}"
        assert by_name[name].split == ("test" if original > 182_637 else "train")
        assert by_name[name].face_id == f"celeba/hq/{int(name[:-4]):05d}"
        assert by_name[name].landmarks5 is None


@pytest.mark.parametrize(
    "folder", ["CelebA-HQ-img", "celeba-hq-256", "CelebAMask-HQ/CelebA-HQ-img"]
)
def test_without_the_mapping_nobody_is_named(plant, read, folder):
    root = plant(f"{folder}/0.jpg", f"{folder}/1.jpg", texts=lists(mapping=False))
    with pytest.raises(UsageError, match=f"{MAPPING} is not there") as caught:
        read("celeba", root)
    assert caught.value.hint[1].overrides == {"select.dataset": "folder"}


@pytest.mark.parametrize(
    "files",
    [["0.jpg", "1.jpg"], ["00000.jpg", "00001.jpg"], ["000000.jpg", "000001.jpg"],
     ["1.jpg", "2.jpg"], ["00001.jpg"], ["imgHQ00001.jpg", "1.jpg"]],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["img_align_celeba", "img_celeba", "Img/img_align_celeba"])
def test_renamed_folders_get_no_identities_of_others(plant, read, folder, files):
    root = plant(*(f"{folder}/{name}" for name in files), texts=lists(mapping=False))
    with pytest.raises(UsageError, match="does not hold CelebA's own files") as caught:
        read("celeba", root)
    assert "not called" not in caught.value.message


def test_renamed_files_are_told_by_their_size(plant, read):
    names = [f"img_align_celeba/{k:06d}.jpg" for k in range(1, 5)]
    root = plant(texts={**dict.fromkeys(names, square(256)), **lists(mapping=False)})
    with pytest.raises(UsageError, match=r"000001.jpg has 256×256 pixels, CelebA's aligned .* 178"):
        read("celeba", root)
    for size in ((178, 218), (64, 64)):
        texts = {**dict.fromkeys(names, square(*size)), **lists(mapping=False)}
        assert len(read("celeba", plant(texts=texts, root=f"s{size[0]}"))[0]) == 4


def test_numbers_that_may_begin_at_0_or_1_are_refused(plant, read):
    root = plant("CelebA-HQ-img/1.jpg", "CelebA-HQ-img/2.jpg", texts=lists())
    with pytest.raises(UsageError, match="may begin at 0 or at 1"):
        read("celeba", root)


def test_no_hint_leads_to_a_wrong_join(plant):
    root = plant("pictures/0.jpg", "pictures/1.jpg", texts=lists(mapping=False))
    with pytest.raises(UsageError) as caught:
        open_dataset("celeba", root, SelectConfig(), Report())
    assert "not called" not in caught.value.message
    root = plant(root="other", texts={"pictures/000001.jpg": square(512)})
    with pytest.raises(UsageError, match="not CelebA's own files"):
        open_dataset("celeba", root, SelectConfig(), Report())
