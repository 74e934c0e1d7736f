"""Divide paths into folders and words, and tell words for people from others."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_ID_WORDS = (
    "subject|subjects|subj|sub|person|pers|participant|proband|patient|actor|actress|model|user"
    "|poser|identity|ident|id|sn"
)
#: Words that say themselves that they are people.
PERSON = re.compile(rf"({_ID_WORDS})[-_ ]?\d+", re.IGNORECASE)
#: The number belongs to the word before it: ``subject_01`` is one word.
_JOINED = re.compile(rf"(?<![^\W\d_])({_ID_WORDS}|s|p|f|m)[-_ ](?=\d)", re.IGNORECASE)
#: Words that are no people, with or without a number.
_OTHER = re.compile(
    r"""(
    im|imgs?|images?|photos?|wa|mvi|cimg|imgp|sam|gopr|dji|hpim|pict|pictures?|pics?|frames?|frm|faces?|dscn?|dcim|pxl|files?|scans?|samples?
    |training|train|testing|test|val|valid|validation|publictest|privatetest|untitled|screenshot
    |capture|snapshot|still|stills|crops?|cropped|aligned|raw|orig|original|data|dataset|images
    |copy|aug|augmented|flip|flipped|mirror|mirrored|rot|rotated|v|version
    |videos?|vid|clips?|takes?|trials?|rep|repetition|sessions?|sess|ses|seqs?|sequences?|shots?|sets?
    |days?|dates?|week|run|batch|part|parts|folds?|split|group|series
    |cams?|cameras?|views?|pose|angle|yaw|light|lighting|lights|illum|illumination|level|intensity
    |left|right|front|frontal|profile|center|centre|straight|half|full|up|down
    |strong|weak|dark|bright|low|medium|mid|high|vl|ni|nir|vis|ir|rgb|gr[ae]y|colou?r|bw
    |open|closed|males?|females?|man|woman|men|women|boys?|girls?|adults?|child|children|kids?
    |young|middle|old|posed|spontaneous|apex|onset|offset|peak
    |actor|actress|asian|african|caucasian|white|black|latino|indian|arab
    |fer\w*|ffhq|raf|rafdb|affectnet|expw|sfew|afew|ck|ckplus|jaffe|kdef|oulu|mmi|celeba|lfw|imdb
    |google|bing|flickr|pinterest|web|youtube
    )[-_ ]?\d*|[mwf]|(19|20)\d\d[-_. ]?\d\d[-_. ]?\d\d""",
    re.IGNORECASE | re.VERBOSE,
)
#: Names of people in many datasets: S010, p3, F0001.
NUMBERED = re.compile(r"[a-z]{1,3}[-_]?\d{1,4}", re.IGNORECASE)
NUMBER = re.compile(r"[\d\W_]*")
_BREAK = re.compile(r"[\W_]+|(?<=[a-zß-ÿ])(?=[A-Z])")
_COUNTED = re.compile(r"(.*?)(\d{1,9})")


@dataclass
class Folders:
    """Divide a folder's path around its expression.

    Attributes
    ----------
    expression
        Expression that the folder names.
    levels
        Names of the folders, without those of a split.
    above, below
        Those above and below the expression.
    """

    expression: str | None
    levels: list[str]
    above: list[str]
    below: list[str]


def divide(
    folder: str, meaning: Callable[[str], str | None], is_part: Callable[[str], bool]
) -> Folders:
    """Divide the path of a folder; the innermost word for an expression counts."""
    names = [name for name in folder.split("/") if name and not is_part(name)]
    for k in reversed(range(len(names))):
        if expression := meaning(names[k]):
            return Folders(expression, names, names[:k], names[k + 1 :])
    return Folders(None, names, names, [])


def counted_frames(stems: Sequence[str]) -> list[int] | None:
    """Return the numbers of files that only a number tells apart, ``None`` for other names."""
    matches = [_COUNTED.fullmatch(stem) for stem in stems]
    numbers = [int(match[2]) for match in matches if match]
    prefixes = {match[1] for match in matches if match}
    if len(numbers) < len(stems) or len(prefixes) > 1 or len(set(numbers)) < len(numbers):
        return None
    return numbers


def same_spelling(subjects: Iterable[str | None]) -> list[str | None]:
    """Spell people who differ by case or Unicode form alike, as the first of them."""
    first: dict[str, str] = {}
    spelled: dict[str | None, str | None] = {None: None}
    found = []
    for subject in subjects:
        if subject not in spelled:
            assert subject is not None
            plain = unicodedata.normalize("NFC", subject).strip()
            spelled[subject] = first.setdefault(plain.casefold(), plain)
        found.append(spelled[subject])
    return found


def words_of(stem: str) -> list[str]:
    """Divide a file name into words: at separators and at capital letters."""
    return [word for word in _BREAK.split(_JOINED.sub(r"\1", stem)) if word]


def is_other(word: str) -> bool:
    """Tell whether a word counts images, or is a take, a view, a group or a dataset."""
    return _OTHER.fullmatch(word) is not None and PERSON.fullmatch(word) is None
