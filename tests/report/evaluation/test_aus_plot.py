"""The plot has both colours, fits its page, and no text overlaps another."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from builders.evaluation import estimate
from PIL import Image

from faceprep.core.errors import Again, FaceprepError, UsageError
from faceprep.core.vocabulary import PRESENCE_AUS
from faceprep.evaluation.aus.evaluate import evaluate_aus
from faceprep.report.evaluation.aus_plot import draw, plot_agreement
from faceprep.report.figure import BLUE, ORANGE


@pytest.fixture
def found(select, truth):
    return evaluate_aus(estimate(select(), lambda row: truth[row["path"]]).root, "demo")


def test_a_png_shows_both_colours(found, tmp_path):
    out = tmp_path / "plots" / "aus.png"
    plot_agreement(found, out)
    with Image.open(out) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert 1200 < image.width < 2400
    assert len(pixels) == image.width * image.height
    for colour in (BLUE, ORANGE):
        wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
        assert (pixels == wanted).all(axis=1).sum() > 200
    assert [path.name for path in out.parent.iterdir()] == ["aus.png"]


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_the_same_evaluation_gives_the_same_bytes(found, tmp_path, suffix):
    one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
    plot_agreement(found, one)
    plot_agreement(found, other)
    assert one.read_bytes() == other.read_bytes()


def boxes(figure):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    texts = [text for text in figure.findobj(lambda a: hasattr(a, "get_text")) if text.get_text()]
    return canvas, {
        text: text.get_window_extent(canvas.get_renderer()) for text in texts if text.get_visible()
    }


def test_no_text_overlaps_another_or_leaves_the_page(select, truth):
    workspace = select("a" * 200)
    estimate(workspace, lambda row: truth[row["path"]], "landmarks (auto: no other) " * 20)
    canvas, extents = boxes(draw(evaluate_aus(workspace.root)))
    width, height = canvas.get_width_height()
    for text, box in extents.items():
        assert 0 <= box.x0 <= box.x1 <= width, text.get_text()
        assert 0 <= box.y0 <= box.y1 <= height, text.get_text()
    overlapping = [
        (a.get_text(), b.get_text())
        for (a, one), (b, other) in itertools.combinations(extents.items(), 2)
        if one.overlaps(other)
    ]
    assert overlapping == []


def test_undefined_numbers_are_drawn_as_undefined(select):
    workspace = estimate(select(), lambda row: dict.fromkeys(PRESENCE_AUS, 0.0))
    figure = draw(evaluate_aus(workspace.root))
    words = [text.get_text() for text in boxes(figure)[1]]
    assert words.count("no r") == 19
    assert any(word.startswith("r –") for word in words)


@pytest.mark.parametrize("name", ["aus.jpg", "aus", "aus.svg"])
def test_other_kinds_of_files_are_refused(found, name):
    with pytest.raises(UsageError, match="a PNG or a PDF") as caught:
        plot_agreement(found, Path(name))
    assert caught.value.hint == Again({"--plot": Path("aus.png")})


def test_a_plot_that_cannot_be_written_is_an_error(found, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FaceprepError, match="cannot write"):
        plot_agreement(found, tmp_path / "file" / "aus.png")
