import pytest

from faceprep.core.errors import UsageError
from faceprep.datasets.folder.formats import read_table
from faceprep.datasets.report import Report


@pytest.mark.parametrize(
    ("name", "data"),
    [("labels.xlsx", b"PK\x03\x04..."), ("labels.xls", b"\xd0\xcf\x11\xe0"),
     ("labels.ods", b""), ("labels.csv", b"PK\x03\x04...")],
)  # fmt: skip
def test_spreadsheets_are_named_and_the_remedy_too(plant, read, name, data):
    root = plant("a.jpg", texts={name: data})
    with pytest.raises(UsageError, match="is a spreadsheet") as caught:
        read("folder", root)
    assert caught.value.hint[1].overrides == {"select.table": str(root / "labels.utf8.csv")}
    with pytest.raises(UsageError, match="is a spreadsheet"):
        read("folder", root, table=name)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_named_and_the_remedy_too(plant, read, encoding):
    text = "image,expression\na.jpg,happy\n".encode(encoding)
    with pytest.raises(UsageError, match="UTF-16") as caught:
        read("folder", plant("a.jpg", texts={"labels.csv": text}))
    assert caught.value.hint[0].words[:2] == ("iconv", "-f")


def test_windows_1252_is_read_and_said(plant, read):
    text = "image,expression\nZoë.jpg,peur\nJosé.jpg,colère\n".encode("cp1252")
    rows, report = read("folder", plant("Zoë.jpg", "José.jpg", texts={"labels.csv": text}))
    assert {row.expression for row in rows} == {"fear", "anger"}
    assert any("Windows-1252" in note for note in report.notes)


@pytest.mark.parametrize(
    "text",
    ["sep=;\nimage;emotion\na.jpg;sad\n", "image|emotion\na.jpg|sad\n", "a.jpg,sad\n",
     "a.jpg;sad\r\n", "a.jpg sad\n", '"Image Name","Emotion"\n"a.jpg","sad"\n',
     " image , emotion \na.jpg,sad\n", "\ufeffFile Name\tEmotion\na.jpg\tsad\n"],
)  # fmt: skip
def test_dialects(plant, read, text):
    rows, _ = read("folder", plant("a.jpg", texts={"labels.csv": text}))
    assert [(row.path, row.expression) for row in rows] == [("a.jpg", "sadness")]


@pytest.mark.parametrize(
    ("name", "text"),
    [("t.json", '[{"image": "a.jpg", "emotion": "sad"}]'),
     ("t.json", '{"image": ["a.jpg"], "emotion": ["sad"]}'),
     ("t.jsonl", '{"image": "a.jpg", "emotion": "sad"}\n')],
)  # fmt: skip
def test_json(plant, name, text):
    table = read_table(plant(texts={name: text}) / name, Report())
    assert table.to_pylist() == [{"image": "a.jpg", "emotion": "sad"}]


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.parquet"])
def test_broken_files_are_errors(plant, name):
    with pytest.raises(UsageError, match="cannot be read"):
        read_table(plant(texts={name: "{["}) / name, Report())
