"""What a text tells of itself: its languages, garbled characters, and whether it is another one again."""

import numpy as np
import pytest

from rag.documents import Chunk
from rag.ingestion.examining import examined
from rag.ingestion.garbled import garbling
from rag.ingestion.sketches import near_duplicates, resemblance, sketch
from rag.languages import language_shares, mixed
from rag.settings import PROJECT_DIR

SAMPLES = PROJECT_DIR / "data" / "samples"
ENGLISH = (SAMPLES / "Garden Calendar.md").read_text("utf-8")
CHINESE = (SAMPLES / "员工手册.md").read_text("utf-8")
FRENCH = "Voilà : l’été était très agréable à Besançon, où les élèves préféraient la crème brûlée. "
POLISH = "Zażółć gęślą jaźń, a potem wróć do szkoły, bo nauczyciel czeka już od godziny ósmej rano. "
JAPANESE = "図書館では、一度に二十冊まで本を借りることができます。返却が遅れると料金がかかります。"
RUSSIAN = "Библиотека открыта каждый день, кроме воскресенья. "
FORMULAS = "∀x ∈ ℝ: α·x ≤ β ⇒ ∑ᵢ γᵢ ≈ √(δ² + ε²) — “so” the proof ends. • ½ × ¾ ≠ ⅔ …\n" * 20
TABLE = "QTY;SKU;PRC\n" + "\n".join(f"{n};BX-{n * 7919};{n / 7:.2f}" for n in range(300))
CODE = "for (size_t i = 0; i < n; ++i) { ptr->xs[i] = strtol(buf + i, &end, 10); }\n" * 20


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ENGLISH, ["en"]),
        (CHINESE, ["zh"]),
        (FRENCH, ["latin"]),
        (JAPANESE, ["ja"]),
        ("도서관에서는 책을 빌릴 수 있습니다", ["ko"]),
        (RUSSIAN, ["other"]),
        (ENGLISH * 3 + CHINESE, ["en", "zh"]),
        ("1234 + 5 = ?", []),
    ],
)
def test_languages_are_told_by_script_and_small_words(text: str, expected: list[str]) -> None:
    shares = language_shares(text)
    assert list(shares) == expected
    assert sum(shares.values()) == pytest.approx(1.0 if expected else 0.0)


def test_shares_of_several_texts_are_weighted() -> None:
    assert mixed([({"en": 1.0}, 3), ({"zh": 1.0}, 1)]) == {"en": 0.75, "zh": 0.25}
    assert mixed([]) == {}


@pytest.mark.parametrize(
    "text",
    [
        *(ENGLISH, CHINESE, FRENCH * 9, POLISH * 9, JAPANESE * 20, RUSSIAN * 20, FORMULAS, TABLE, CODE),
        *("\uf0b7 a point of a list, and another line of words after it\n" * 20, "联通" * 3, "", "ok"),
    ],
)
def test_good_texts_raise_nothing(text: str) -> None:
    assert garbling(text, language_shares(text)) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The re\ufffdult of \ufffd\ufffd w\ufffds go\ufffdd.", "undecoded"),
        ("\ue012\ue013 \ue014\ue015\ue016" * 9, "undecoded"),
        (FRENCH.encode().decode("cp1252", "ignore"), "misread"),
        (ENGLISH + CHINESE.encode().decode("cp1252", "ignore"), "misread"),
        (CHINESE.encode().decode("gb18030", "ignore"), "misread"),
        ("锟斤拷" * 9, "misread"),
        (ENGLISH.translate({code: 97 + (code - 94) % 26 for code in range(97, 123)}), "gibberish"),
        ((CHINESE * 3).encode("gb18030").decode("big5hkscs", "ignore"), "gibberish"),
    ],
)
def test_garbled_texts_are_told(text: str, expected: str) -> None:
    assert garbling(text, language_shares(text)) == expected


def test_garbling_at_the_end_of_a_long_text_is_seen() -> None:
    text = ENGLISH * 60 + "\ue012\ue013 \ue014\ue015\ue016" * 20_000
    assert garbling(text, language_shares(text)) == "undecoded"


def test_a_sketch_estimates_the_shared_part() -> None:
    random = np.random.default_rng(1)
    words = ["".join(random.choice(list("abcdefghijklmnop"), 12)) for _ in range(2000)]
    one, other = sketch("\n".join(words[:1500])), sketch("\n".join(words[500:]))
    assert resemblance(one, one) == 1.0
    assert resemblance(one, other) == pytest.approx(1000 / 2000, abs=0.15)
    assert resemblance(one, sketch(CHINESE)) < 0.05


def test_near_duplicates_point_to_the_first_of_their_kind() -> None:
    texts = {
        "first": CHINESE,
        "garden": ENGLISH,
        "again": CHINESE.replace("。", ". ").replace("\n", " "),
        "edited": ENGLISH.replace("tomatoes", "tomato plants", 1) + " A new line at the end.",
        "thrice": CHINESE + "第三版",
        "other": FRENCH * 9,
        "empty": "",
    }
    sketches = {name: sketch(text) for name, text in texts.items()}
    assert near_duplicates(sketches) == {"again": "first", "edited": "garden", "thrice": "first"}


def test_two_forms_of_one_template_are_not_the_same() -> None:
    form = "Name: {} Address: {} The undersigned declares: {}"
    filled = [
        form.format(ENGLISH[n : n + 80], CHINESE[n : n + 40], ENGLISH[3 * n : 3 * n + 300]) for n in (0, 350)
    ]
    assert near_duplicates({str(n): sketch(text) for n, text in enumerate(filled)}) == {}


def test_pictures_are_not_read_as_text() -> None:
    found = examined([Chunk("A caption", 3, picture="0" * 64), Chunk("苹果 1", 3)], cut_for="m", too_long=0)
    assert (found.letters, found.pictures, found.languages, found.cut_for) == (3, 1, {"zh": 1.0}, "m")
