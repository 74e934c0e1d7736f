import pytest


def test_the_most_votes_are_the_expression_as_in_fer_plus(plant, read):
    lines = [
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,"
        "unknown,NF",
        "Training,fer0.png,4,0,0,1,3,2,0,0,0,0",
        "PublicTest,fer1.png,0,9,1,0,0,0,0,0,0,0",
        "PrivateTest,fer2.png,5,0,0,5,0,0,0,0,0,0",
        "PrivateTest,fer3.png,0,0,0,0,0,0,0,0,1,9",
    ]
    files = [f"FER2013Train/fer{k}.png" for k in range(4)]
    rows, report = read("folder", plant(*files, texts={"labels.csv": "\n".join(lines)}))
    assert {row.path[-8:]: (row.expression, row.split) for row in rows} == {
        "fer0.png": ("neutral", "train"),
        "fer1.png": ("happiness", "val"),
        "fer2.png": (None, "test"),
        "fer3.png": (None, "test"),
    }
    assert any("the largest of the columns neutral, happiness" in note for note in report.notes)
    assert any("1 rows have no single largest" in note for note in report.notes)


@pytest.mark.parametrize(
    "text",
    [
        "image,emotion,joy,fear,anger\na.jpg,sad,1,0,0\n",  # there is a column of expressions
        "image,word,joy,fear,anger\na.jpg,sad,x,y,z\n",  # no numbers
    ],
)
def test_other_columns_are_no_votes(plant, read, text):
    rows, _ = read("folder", plant("a.jpg", texts={"labels.csv": text}))
    assert rows[0].expression == "sadness"


def test_one_among_zeros(plant, read):
    text = "image,Angry,Happy,Sad\na.jpg,0,1,0\nb.jpg,1,0,0\n"
    rows, _ = read("folder", plant("a.jpg", "b.jpg", texts={"labels.csv": text}))
    assert [row.expression for row in rows] == ["happiness", "anger"]
