"""What the words of RTF mean to a reader of its text."""

import codecs

CODE_PAGES = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874",
    238: "cp1250", 255: "cp437",
}  # fmt: skip
UNREAD = frozenset({
    "colortbl", "pict", "objdata", "objclass", "objname", "fldinst", "listtable", "listoverridetable",
    "themedata", "datastore", "rsidtbl", "generator", "xmlnstbl", "revtbl", "filetbl", "xe", "tc", "rxe",
    "nonshppict", "nonesttables", "sn", "sv", "info", "template", "falt", "panose", "ftnsep", "ftnsepc",
    "ftncn", "aftnsep", "aftnsepc", "aftncn", "pntext", "private", "bkmkstart", "bkmkend", "docvar", "txe",
})  # fmt: skip
STARRED = frozenset({"shpinst", "shptxt", "annotation", "footnote", "do", "dptxbxtext"})
EDGES = frozenset({
    "header", "headerl", "headerr", "headerf", "footer", "footerl", "footerr", "footerf",
})  # fmt: skip
CHARACTERS = {
    "line": "\n", "tab": "\t", "emdash": "—", "endash": "–", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "bullet": "•", "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
BREAKS = frozenset({"par", "page", "sect", "column"})


def code_page(number: int) -> str:
    """Python's name of a Windows code page; an unknown one is taken for Western."""
    known = {65001: "utf-8", 936: "gb18030", 10000: "mac_roman", 0: "cp1252"}
    name = known.get(number, f"cp{number}")
    try:
        codecs.lookup(name)
    except LookupError:
        return "cp1252"
    return name
