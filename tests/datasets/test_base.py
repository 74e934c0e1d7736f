import pytest



port pytest



@pytest.mark.parametrize(
    ("word", "expression"),
    [("Happy", "happiness"), ("ANGER", "anger"), (" sad ", "sadness"), ("calm", None), ("0", None)],
)
def test_words_for_expressions(word, expression):
    assert expression_of(word) == expression
