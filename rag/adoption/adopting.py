"""A foreign collection made one of Passage's, document by document; interrupted, it goes on where it was."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeAlias

from rag.adoption.choosing import Choice, check_model, choose, sample_of
from rag.adoption.outcome import Adopted, Wish
from rag.adoption.pieces import ADOPTED_FROM
from rag.adoption.planning import Plan, PlannedDocument, plan
from rag.adoption.writing import Writer
from rag.catalog import Catalog, Collection
from rag.documents import Notice
from rag.errors import Cancelled, StoreError, UsageError
from rag.ingestion import Indexing
from rag.models import Models
from rag.settings import Settings
from rag.vector_index.foreign import ForeignChroma
from rag.vector_index.foreign_records import ForeignCollection, ForeignRecord

TOLD = 20  # ids of records without text
ASKED_FOR = Notice("The texts were embedded again, as was asked for.")

OnProgress: TypeAlias = Callable[[int, int], object]


class Adopter:
    """Adopts foreign collections, in the order in which files are ingested."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        indexing: Indexing,
        models: Models,
        create: Callable[[str, str], Collection],
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._indexing = indexing
        self._models = models
        self._create = create

    def adopt(
        self,
        foreign: ForeignChroma,
        wish: Wish,
        on_progress: OnProgress = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Adopted:
        """Make a foreign collection one of ours; `on_progress` is told the records done, and all of them.

        What was adopted before it broke off stays; the same wish again goes on from there. Raises UsageError,
        ProviderError, StoreError, Cancelled.
        """
        theirs, heads = _read(foreign, wish.collection)
        planned = plan(heads, theirs.name, group_by=wish.group_by, one_each=wish.one_each)
        ours = self._catalog.collections.find(wish.name.strip())
        if ours:
            self._check_goes_on(ours, wish, planned)
        sample = _sample(foreign, theirs, heads)
        choice = self._choice(theirs, wish, ours, sample)
        ours = ours or self._create(wish.name, choice.embedder)
        done = Adopted(ours.name, choice.embedder, planned.group_by, choice.agreement, choice.why)
        writer = Writer(
            self._catalog, self._indexing, self._models, self._settings.chunk_size, ours, theirs.name
        )

        def go_on() -> None:
            on_progress(done.records + done.textless, len(heads))
            if cancelled():
                raise Cancelled("Stopped.")

        for document in planned.documents:
            go_on()
            records = foreign.records(theirs.name, document.ids, vectors=choice.keeps)
            done.gone += len(document.ids) - len(records)
            _adopt_one(writer, document, records, planned, choice, done, go_on)
        on_progress(len(heads), len(heads))
        return done

    def _check_goes_on(self, ours: Collection, wish: Wish, planned: Plan) -> None:
        """Raises UsageError where a collection of this name is not what this adoption began."""
        names = {each.name for each in planned.documents}
        present = self._catalog.documents.all(ours.id)
        if not all(
            each.metadata.get(ADOPTED_FROM) == wish.collection and each.name in names for each in present
        ):
            raise UsageError(
                "There is a collection named “{name}” with other documents. Choose another name.",
                name=ours.name,
            )
        check_model(ours, wish.embedder)

    def _choice(
        self,
        theirs: ForeignCollection,
        wish: Wish,
        ours: Collection | None,
        sample: Sequence[ForeignRecord],
    ) -> Choice:
        """The model, and whether its vectors are kept. Raises UsageError if they must be and cannot."""
        choice = choose(
            self._models,
            self._settings.chunk_size,
            theirs,
            sample,
            wanted=ours.fingerprint.id if ours else wish.embedder,
            otherwise=self._settings.embedder,
        )
        if wish.vectors == "again":
            return replace(choice, why=ASKED_FOR)
        if choice.why and wish.vectors == "keep":
            raise UsageError(
                "The vectors cannot be kept. {reason} Choose the model they were made with, or have the "
                "texts embedded again.",
                reason=choice.why,
            )
        if choice.why:
            why = Notice("The texts were embedded again. {reason}", {"reason": choice.why})
            return replace(choice, why=why)
        return choice


def _read(foreign: ForeignChroma, name: str) -> tuple[ForeignCollection, list[ForeignRecord]]:
    """A collection and all its records without texts. Raises UsageError where there are none, StoreError."""
    theirs = foreign.collection(name)
    heads = list({each.id: each for each in foreign.heads(name)}.values())
    if not heads:
        raise UsageError("“{name}” holds no records.", name=name)
    if len(heads) != theirs.records:
        raise StoreError(
            "“{name}” is being written to: it changed while it was read. Stop the program that uses it.",
            name=name,
        )
    return theirs, heads


def _sample(
    foreign: ForeignChroma, theirs: ForeignCollection, heads: Sequence[ForeignRecord]
) -> list[ForeignRecord]:
    """Some records with texts. Raises UsageError where there are none."""
    if sample := sample_of(foreign, theirs, [each.id for each in heads]):
        return sample
    raise UsageError(
        "“{name}” holds vectors without texts. Passage shows and quotes texts: there is nothing to adopt.",
        name=theirs.name,
    )


def _adopt_one(
    writer: Writer,
    document: PlannedDocument,
    records: Sequence[ForeignRecord],
    planned: Plan,
    choice: Choice,
    done: Adopted,
    go_on: Callable[[], None],
) -> None:
    """Write one document and count what came of it."""
    written = writer.write(
        document.name,
        records,
        first_page=planned.first_page,
        keep_vectors=choice.keeps,
        before_batch=go_on,
    )
    done.records += len(records) - len(written.textless)
    done.textless += len(written.textless)
    done.examples += written.textless[: TOLD - len(done.examples)]
    done.renamed |= written.renamed
    done.differing |= written.differing
    done.split += written.split
    done.chunks += written.chunks
    done.documents += written.is_new
    done.unchanged += not written.is_new and written.chunks > 0
    if written.is_new:
        done.kept += written.kept
        done.embedded += written.chunks - written.kept
