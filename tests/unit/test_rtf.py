"""Rich text without its control words."""

from pathlib import Path

import pytest

from rag.documents import ParsedFile
from rag.loaders import parse
from rag.loaders.rtf_tokens import tokens


def read(tmp_path: Path, content: bytes) -> ParsedFile:
    path = tmp_path / "stored"
    path.write_bytes(content)
    return parse(path, "letter.rtf", max_pages=10)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"caf\'e9 \u8364? 5", "café € 5"),
        (rb"\u20013\'d6\u22269\'b9", "中国"),
        (rb"\uc2\u20013\'d6\'d0!", "中!"),
        (rb"\u-10179?\u-8704?", "😀"),
        (rb"{\f1 \'d6\'d0\'b9\'fa} ok", "中国 ok"),
        (rb"a\line b\par c\tab d", "a\nb\n\nc\td"),
        (rb"\ldblquote x\rdblquote\emdash y", "“x”—y"),
        (rb"1\~2\_3\-4 \{x\} \\", "1 2-34 {x} \\"),
        (
            rb"{\pict\wmetafile8 00ff}{\*\unknown junk}seen{\object{\*\objdata 00}{\result shown}}",
            "seenshown",
        ),
        (rb"{\field{\*\fldinst HYPERLINK http://x}{\fldrslt link}}", "link"),
        (rb"a{\deleted gone}b", "ab"),
        (b"x\\bin4 \\{}\\y", "xy"),
        (rb"x{\shp{\*\shpinst{\sp{\sn name}{\sv 1}}{\shptxt box}}}", "xbox"),
    ],
)
def test_what_is_read(tmp_path: Path, body: bytes, text: str) -> None:
    head = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset134 SimSun;}}{\info{\title My title}}"
    parsed = read(tmp_path, head + body + rb"\par}")
    assert (parsed.kind, parsed.title, parsed.warnings) == ("rtf", "My title", ())
    assert "\n\n".join(section.text for section in parsed.sections) == text


def test_headings_lists_tables_and_notes(tmp_path: Path) -> None:
    parsed = read(
        tmp_path,
        rb"{\rtf1\ansi{\stylesheet{\s0 Normal;}{\s1\outlinelevel0 Kop;}{\s2 heading 2;}}"
        rb"{\header Letter\par}\pard\s1 Plan\par\pard Text{\footnote a note}.\par"
        rb"{\listtext\'b7\tab}lamp\par{\listtext 2.\tab}\ilvl1 rope\par\pard\s2 Costs\par"
        rb"\trowd\clvmgf\cellx1\clmgf\cellx2\clmrg\cellx3\pard\intbl A\cell B\cell\cell\row"
        rb"\trowd\clvmrg\cellx1\cellx2\cellx3\pard\intbl\cell C\par c\cell D\cell\row"
        rb"\trowd\cellx1\cellx2\cellx3\pard\intbl 1\cell 2\cell 3\cell\row\pard end\par}",
    )
    assert [section.headings for section in parsed.sections] == [("Plan",), ("Plan", "Costs")]
    assert [section.text for section in parsed.sections] == [
        "Plan\n\nLetter\n\nText.\n\n[Footnote] a note\n\n- lamp\n  2. rope",
        "Costs\n\n| A | B C c | B D |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n\nend",
    ]


def test_a_cut_file_is_read_with_a_warning(tmp_path: Path) -> None:
    parsed = read(tmp_path, rb"{\rtf1\ansi{\b half a {\i letter")
    assert parsed.sections[0].text == "half a letter"
    assert "damaged" in parsed.warnings[0].message


def test_code_pages_of_the_whole_file(tmp_path: Path) -> None:
    assert read(tmp_path, rb"{\rtf1\ansi\ansicpg936 \'d6\'d0}").sections[0].text == "中"
    assert read(tmp_path, rb"{\rtf1\ansi\ansicpg99999 \'e9}").sections[0].text == "é"


def test_depth_and_ends_are_no_trouble(tmp_path: Path) -> None:
    assert read(tmp_path, b"{\\rtf1 " + b"{" * 100_000 + b"x").sections[0].text == "x"
    assert read(tmp_path, b"{\\rtf1 y}}}}} z").sections[0].text.startswith("y")
    assert [token.word for token in tokens(b"\\")] == []
    assert [token.word for token in tokens(b"\\bin99 x")] == []
