"""rag adopt: somebody else's Chroma looked into, searched, and made a collection of Passage's."""

from typing import TYPE_CHECKING, Any, Literal

import click

from rag.cli.common import (
    json_option,
    note,
    one_line,
    open_engine,
    print_json,
    show_progress,
    tell_where_texts_go,
)

if TYPE_CHECKING:
    from rag.adoption import Adopted, ForeignSearch
    from rag.engine import Engine
    from rag.vector_index.foreign import ForeignChroma
    from rag.vector_index.foreign_records import ForeignCollection

SPACES = {"cosine": "cosine distance", "l2": "squared L2 distance", "ip": "inner-product distance"}
LINE = 90  # letters of a text


@click.command()
@click.argument("place", metavar="PATH_OR_URL")
@click.option("-c", "--collection", metavar="NAME", help="The collection there; needed if there are several.")
@click.option("--search", "question", metavar="TEXT", help="Search it as it stands.")
@click.option(
    "-k", type=click.IntRange(1, 100), default=5, show_default=True, help="How many records to find."
)
@click.option("--as", "new_name", metavar="NEW_NAME", help="Adopt it as a collection of this name.")
@click.option("--embedder", metavar="ID", help="The model; else the one that made its vectors, if known.")
@click.option(
    "--keep-vectors",
    "vectors",
    flag_value="keep",
    help="Keep the vectors, or fail if that cannot be.",
)
@click.option("--embed-again", "vectors", flag_value="again", help="Embed all texts again.")
@click.option(
    "--group-by",
    metavar="KEY",
    help="One document for each value of this key; else of source, file …",
)
@click.option("--one-each", is_flag=True, help="One document for each record.")
@json_option
def adopt(
    place: str,
    collection: str | None,
    question: str | None,
    k: int,
    new_name: str | None,
    embedder: str | None,
    vectors: Literal["keep", "again"] | None,
    group_by: str | None,
    one_each: bool,
    as_json: bool,
) -> None:
    """Look into another program's Chroma folder or server, search it, or adopt a collection of it.

    Nothing there is changed: a folder is copied first. Its vectors are kept where a sample shows which model
    made them; else the texts are embedded again.
    """
    if question is not None and new_name is not None:
        raise click.UsageError("Say either --search or --as, not both.")
    if group_by and one_each:
        raise click.UsageError("Say either --group-by or --one-each, not both.")
    if new_name is None and (vectors or group_by or one_each):
        raise click.UsageError("To adopt say --as NEW_NAME.")
    with open_engine() as engine:
        foreign = _open(engine, place)
        if question is None and new_name is None:
            _list(foreign, collection, as_json=as_json)
            return
        name = collection or _only(foreign)
        if embedder:
            tell_where_texts_go(engine, embedder)
        if question is not None:
            found = engine.adoption.search(name, question, embedder=embedder, n=k)
            _show_found(found, as_json=as_json)
            return
        done = _adopted(
            engine,
            collection=name,
            name=str(new_name),
            embedder=embedder,
            vectors=vectors or "auto",
            group_by=group_by,
            one_each=one_each,
        )
    _show_adopted(done, as_json=as_json)
    if done.textless or done.gone:
        raise SystemExit(1)


def _open(engine: "Engine", place: str) -> "ForeignChroma":
    if size := engine.adoption.size_of(place):
        note(f"Copying {size / 1e6:.1f} MB to look into it; the folder itself stays as it is.")
    return engine.adoption.open(place)


def _only(foreign: "ForeignChroma") -> str:
    """The name of the one collection. Raises UsageError where there are others, or none."""
    from rag.errors import UsageError

    names = foreign.names()
    if len(names) == 1:
        return names[0]
    raise UsageError(
        "{origin} holds {n} collections: {names}. Name one with --collection.",
        origin=foreign.origin,
        n=len(names),
        names=", ".join(names) or "–",
    )


def _list(foreign: "ForeignChroma", name: str | None, *, as_json: bool) -> None:
    found = [foreign.collection(name)] if name else foreign.collections()
    if as_json:
        print_json({"origin": foreign.origin, "collections": [each.to_row() for each in found]})
        return
    for each in found:
        _show_collection(each)
    if not found:
        note("There is no collection in it.")


def _show_collection(collection: "ForeignCollection") -> None:
    facts = (
        f"{collection.records} records",
        f"{collection.dimension} dimensions" if collection.dimension else "no vectors yet",
        SPACES[collection.space],
        f"embedding function {collection.function or 'not named'}",
        _texts(collection),
        *([] if collection.has_vectors else ["its vectors cannot be read: damaged"]),
    )
    click.echo(f"{collection.name}  {', '.join(facts)}")
    if collection.keys:
        click.echo(f"    keys: {one_line(', '.join(collection.keys))}")
    for each in collection.shown:
        click.echo(f"    {one_line(each.id)}  {_line(each.text)}")


def _texts(collection: "ForeignCollection") -> str:
    if not collection.records:
        return "empty"
    if collection.with_text == collection.looked_at:
        return "with texts"
    return f"texts in {collection.with_text} of the first {collection.looked_at}"


def _show_found(found: "ForeignSearch", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "question": found.question,
                "embedder": found.embedder,
                "distance": SPACES[found.space],
                "agreement": found.agreement,
                "notices": list(map(str, found.notices)),
                "records": [
                    {
                        "rank": rank,
                        "id": hit.record.id,
                        "distance": hit.distance,
                        "cosine": hit.cosine,
                        "text": hit.record.text,
                        "metadata": dict(hit.record.metadata),
                    }
                    for rank, hit in enumerate(found.hits, start=1)
                ],
            }
        )
        return
    click.echo(f"{found.embedder}  cosine similarity, {SPACES[found.space]}")
    for rank, hit in enumerate(found.hits, start=1):
        scores = f"{hit.cosine:6.3f}  {hit.distance:8.4f}"
        click.echo(f"{rank:>3}  {scores}  {one_line(hit.record.id)}  {_line(hit.record.text)}")
    for notice in found.notices:
        note(str(notice))


def _adopted(engine: "Engine", **wish: Any) -> "Adopted":
    from rag.adoption import Wish

    return engine.adoption.adopt(
        Wish(**wish), lambda done, total: show_progress(f"{done} of {total} records")
    )


def _show_adopted(done: "Adopted", *, as_json: bool) -> None:
    if as_json:
        print_json(done.to_row())
    note(
        f"“{done.collection}”: {done.documents} documents added, {done.unchanged} were there already; "
        f"{done.records} records, {done.chunks} passages, by {done.embedder}."
    )
    for notice in done.notices():
        note(str(notice))


def _line(text: str | None) -> str:
    """The beginning of a text on one line."""
    if text is None:
        return "(no text)"
    line = " ".join(text.split())
    return one_line(line if len(line) <= LINE else f"{line[:LINE]}…")
