from faceprep.config.sources import parse_assignment, resolve


def test_none_is_a_naming_and_a_meaning_of_words():
    given = [parse_assignment(f"select.{text}") for text in ("naming=none", "words.x=none")]
    flags = {key: (value, "--set") for key, value in given}
    select = resolve(flags=flags, environment={}).config.select
    assert (select.naming, select.words) == ("none", {"x": None})
