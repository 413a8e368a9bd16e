"""Everything Passage can do, wired together once: what the pages and the command are clients of."""

import threading
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace

from rag.adoption import Adopter, Adoption
from rag.answering import Answer, answer, search_question
from rag.catalog import DEFAULT_NAME, Catalog, Collection
from rag.documents import Notice, Passage
from rag.embedders.pictures import takes_pictures
from rag.errors import RagError, UsageError
from rag.ingestion import CheckReport, Indexing, IngestionWorker, Intake, Passwords, Pipeline, Upkeep
from rag.ingestion.audit import Audit, Auditor
from rag.ingestion.other_index import OtherIndexes
from rag.ingestion.preflight import Preflight
from rag.ingestion.receipts import DeletionReceipt, delete_with_receipt
from rag.keyword_index import KeywordIndex
from rag.likeness import TextsCompared, compare_texts
from rag.loaders import Parser
from rag.models import Models
from rag.providers.addresses import is_private
from rag.retrieval import Query, Retriever, SearchResult
from rag.retrieval.explaining import Explaining, WhyNot
from rag.retrieval.neighbours import Neighbours, neighbours
from rag.retrieval.side_by_side import SideBySide, side_by_side
from rag.retrieval.wanted import Wanted
from rag.settings import KEY_OF_ADDRESS, Settings, load_settings, save_settings, set_in_environment
from rag.switching import Switching
from rag.vector_index.choosing import chosen_index
from rag.whereabouts import receivers
from rag.workbench import workbench

PICTURE_WIDTH = 1100  # pixels
UNREAD_PICTURES = Notice("Pictures were found. The answer does not rest on them: look at them yourself.")
DAY = 24 * 60 * 60.0  # seconds


def open_engine(settings: Settings) -> "Engine":
    """Everything wired together; files are opened and models loaded when they are first needed."""
    return Engine(settings)


class Engine:
    """The one way in. Safe to use from several threads; close it at the end."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._vectors = chosen_index(settings)
        self.catalog = Catalog(settings.data_dir)
        self.models = Models(settings, self.catalog)
        self._keywords = KeywordIndex(settings.data_dir)
        self._indexing = Indexing(self.catalog, self._vectors, self._keywords)
        self._upkeep = Upkeep(settings.data_dir, self.catalog, self._indexing, self._vectors, self._keywords)
        self._retriever = Retriever(
            self.catalog, self._vectors, self._keywords, self.models.embedder_of, self.models.reranker
        )
        self._explaining = Explaining(self.catalog, self._keywords, self._retriever, self.models.embedder_of)
        self._parser = Parser(settings, in_background=True)
        self._pictures = Parser(settings)
        self._passwords = Passwords()
        self._pipeline = Pipeline(
            settings, self.catalog, self._indexing, self._parser, self.models.embedder_of, self._passwords
        )
        self._worker = IngestionWorker(self.catalog, self._pipeline)
        self.intake = Intake(
            settings,
            self.catalog,
            self._pipeline,
            self._worker,
            self._parser,
            self._passwords,
            ready=self._ready,
        )
        self.preflight = Preflight(settings, self.catalog, self._pictures, self.models.embedder_of)
        self._auditor = Auditor(self.catalog, self.models.embedder_of)
        other_indexes = OtherIndexes(self.catalog, self._indexing, self.models.embedder_of)
        self._switching = Switching(self.catalog, other_indexes, self.models, self._retriever)
        adopter = Adopter(
            settings,
            self.catalog,
            self._indexing,
            self.models,
            lambda name, embedder: self.create_collection(name, embedder=embedder),
        )
        self._adoption = Adoption(settings.data_dir / "foreign", settings, self.models, adopter, self._ready)
        self.workbench = workbench(
            self.catalog,
            self._indexing,
            self._vectors,
            self._retriever.exact,
            self.models.embedder_of,
            prepare=self._prepare_search,
            ready=self._ready,
            on_deleted=self._upkeep.wake,
        )
        self._warming = threading.Thread(target=self._warm_up, name="passage-warm-up", daemon=True)
        self._lock = threading.RLock()
        self._is_locked = False

    def start(self) -> None:
        """Recover what a stopped process left, work the queue and warm up, all of it in the background."""
        self._lock_folder()
        self.catalog.jobs.prune(time.time() - DAY)
        self.catalog.jobs.requeue_interrupted()
        self._upkeep.start(self._worker.start)
        self._warming.start()

    def close(self) -> None:
        """Stop the worker and the model processes, and let go of the data folder."""
        self._switching.stop()
        self._adoption.close()
        self._upkeep.stop()
        self._worker.close()
        if self._warming.is_alive():
            self._warming.join(timeout=60)  # native code that is still loading would abort the process
        self._parser.close()
        self._pictures.close()
        self.models.close()
        self._upkeep.close()
        self.catalog.close()

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # Settings

    @property
    def may_edit_settings(self) -> bool:
        """Whether the pages may change keys and addresses: unless set, only where nobody else opens them."""
        chosen = self.settings.edit_settings
        return is_private(self.settings.host) if chosen is None else chosen

    def configure(self, values: Mapping[str, str | None], *, save: bool) -> None:
        """Change settings until Passage stops, or for good in the settings file.

        A variable of the environment that is set wins again at the next start. An address that comes without
        its key drops the key that was there, which was for another. Raises UsageError, StoreError.
        """
        if not self.may_edit_settings:
            raise UsageError("Settings cannot be changed here. Change the RAG_ variables or rag.toml.")
        values = dict(values)
        with self._lock:
            for address, key in KEY_OF_ADDRESS.items():
                if address not in values:
                    continue
                if save and (variable := set_in_environment(key)):
                    raise UsageError(
                        "The key in {variable} would go to this address at the next start. Unset {variable}, "
                        "or use the address without keeping it.",
                        variable=variable,
                    )
                if not values.get(key) and (save or values[address] != getattr(self.settings, address)):
                    values[key] = None
            kept = {name: value for name, value in self.settings if name in self.settings.model_fields_set}
            settings = load_settings(**{**kept, **values})
            if save:
                save_settings(values)
            self.settings = settings
            self.models.configure(settings)

    # Collections

    def create_collection(
        self,
        name: str,
        *,
        embedder: str | None = None,
        hnsw: Mapping[str, str | int | float] | None = None,
    ) -> Collection:
        """Add a collection embedded by `embedder` ("provider:model"). Raises UsageError, ProviderError."""
        self._ready()
        fingerprint = self.models.fingerprint(embedder or self.settings.embedder)
        collection = self.catalog.collections.create(name, fingerprint, hnsw=hnsw)
        try:
            self._indexing.create(collection)
        except BaseException:
            self.catalog.collections.delete(collection)
            raise
        return collection

    def collection(self, name: str | None = None) -> Collection:
        """The collection of this name; the default one is made when it is first asked for."""
        with self._lock:
            found = self.catalog.collections.find(name or DEFAULT_NAME)
            if found is None and name in (None, DEFAULT_NAME):
                self._ready()
                return self.create_collection(DEFAULT_NAME)
            return found or self.catalog.collections.get(str(name))

    def delete_collection(self, collection: Collection) -> None:
        """Remove a collection and everything in it."""
        self._ready()
        self._switching.remove(collection)
        self._indexing.drop(collection)

    @property
    def switching(self) -> Switching:
        """Another model for a collection."""
        self._ready()
        return self._switching

    @property
    def adoption(self) -> Adoption:
        """Somebody else's Chroma: opened, searched, adopted."""
        self._lock_folder()
        return self._adoption

    # Documents

    def delete_document(self, document_id: str) -> DeletionReceipt:
        """Remove a document from both indexes, the catalogue and the originals; what a look there then found.

        Raises UsageError, StoreError.
        """
        self._ready()
        receipt = delete_with_receipt(
            self.catalog, self._indexing, self._vectors, self._keywords, document_id
        )
        self._upkeep.wake()
        return receipt

    def audit(self, collection: Collection, *, most_seconds: float | None = None) -> Audit:
        """What may need mending in a collection; new documents are looked through for `most_seconds`."""
        return self._auditor.audit(collection, most_seconds=most_seconds)

    def has_document(self, document_id: str) -> bool:
        """Whether there is a document of this id."""
        return self.catalog.documents.find(document_id) is not None

    def page_picture(self, document_id: str, page: int, *, highlight: str = "") -> bytes:
        """A PDF's page as PNG with a passage's text marked. Raises DocumentError."""
        document = self.catalog.documents.get(document_id)
        path = self.catalog.originals.path(document.sha256)
        return self._pictures.render_page(
            path,
            page,
            width_px=PICTURE_WIDTH,
            name=document.name,
            highlight=highlight,
            password=next(iter(self._passwords.of(document.sha256)), None),
        )

    def picture(self, sha256: str) -> bytes:
        """The picture of a passage. Raises DocumentError if its document is gone."""
        return self.catalog.originals.read(sha256)

    def takes_pictures(self, collection: Collection) -> bool:
        """Whether pictures can be added to a collection and searched for; False where its model is gone."""
        try:
            return takes_pictures(self.models.embedder(collection.fingerprint.id))
        except RagError:
            return False

    # Questions

    def search(self, collection: Collection, query: Query) -> SearchResult:
        """The passages for a question, best first."""
        self._prepare_search()
        found = self._retriever.search(collection, query)
        if trouble := self._upkeep.trouble:
            notice = Notice("Searched without the index of meanings. {reason}", {"reason": trouble})
            found = replace(found, notices=(*found.notices, notice))
        return found

    def search_side_by_side(self, collection: Collection, query: Query) -> SideBySide:
        """The passages for a question in every mode; one that fails leaves the others alone."""
        return side_by_side(lambda each: self.search(collection, each), query)

    def why_not(self, collection: Collection, query: Query, wanted: Wanted) -> WhyNot:
        """Why a search does not show a passage, and what would bring it in.

        Raises UsageError, ProviderError, StoreError.
        """
        self._prepare_search()
        return self._explaining.why_not(collection, query, wanted)

    def neighbours(self, collection: Collection, chunk_id: str) -> Neighbours:
        """What is nearest to a passage, and what stands before and after it. Raises UsageError."""
        return neighbours(self.catalog, self._retriever.exact, collection, chunk_id)

    def ask(
        self,
        collection: Collection,
        query: Query,
        *,
        chat_model: str | None = None,
        history: Sequence[tuple[str, str]] = (),
    ) -> Generator[SearchResult | str | Answer, None, None]:
        """First what was found, then the answer piece by piece, then the checked Answer.

        `history` holds earlier (question, answer) pairs: a follow-up is searched together with the question
        it points back to, and SearchResult.question shows what was searched. Closing it stops the model.
        Pictures are found, but not read by the chat model.
        """
        found = self.search(collection, replace(query, question=search_question(query.question, history)))
        texts = [passage for passage in found.passages if not passage.picture]
        if len(texts) < len(found.passages):
            found = replace(found, notices=(*found.notices, UNREAD_PICTURES))
        yield found

        is_embedded = any(passage.cosine is not None for passage in texts)
        embedder = self.models.embedder_of(collection) if is_embedded else None

        def relevance(sentence: str, passages: Sequence[Passage]) -> Sequence[float]:
            if embedder is None:
                return [0.0] * len(passages)
            return self._retriever.relevance(collection, sentence, passages)

        yield from answer(
            query.question,
            texts,
            chat_model=self.models.chat_model(chat_model),
            embedder=embedder,
            relevance=relevance,
            history=history,
        )

    def compare_texts(self, query: str, texts: Sequence[str], embedders: Sequence[str]) -> TextsCompared:
        """How alike a query ("" for none) and texts are to each embedder; nothing of it is kept.

        An embedder that fails tells its error beside the others' results. Raises UsageError.
        """
        return compare_texts(self.models.embedder, query, texts, embedders)

    def stays_here(self, collection: Collection) -> bool:
        """Whether questions and documents stay on this machine: embedded, stored and answered here."""
        try:
            return not self.receivers(collection.fingerprint.id)
        except RagError:
            return False

    def receivers(self, embedder_id: str) -> tuple[Notice, ...]:
        """Who gets what of documents and questions embedded so; none where all of it stays here.

        Raises UsageError, ProviderError.
        """
        return receivers(self.models, self._vectors.server_url, embedder_id)

    # Health

    def check(self, *, repair: bool = False) -> CheckReport:
        """How the indexes and the originals differ from the catalogue, after putting that right if asked to.

        A repair needs no model: indexes are written anew from the catalogue's own vectors. Raises StoreError.
        """
        self._lock_folder()
        report = self._upkeep.report()
        if repair and not report.clean:
            self._upkeep.repair()
            report = self._upkeep.report()
        return report

    @property
    def rebuilding(self) -> Mapping[str, tuple[int, int]]:
        """The collections whose vector index is being mended, by id: rows written, and rows to write."""
        return self._upkeep.rebuilding

    def _lock_folder(self) -> None:
        """Keep other processes out, and end the jobs that were cancelled when the last one was stopped."""
        with self._lock:
            if self._is_locked:
                return
            self.catalog.lock()
            for sha256 in self.catalog.jobs.end_abandoned():
                self.catalog.drop_unused_original(sha256)
            self._adoption.remove_left_copies()
            self._is_locked = True

    def _prepare_search(self) -> None:
        """The indexes are checked and mended, unless that is done in the background."""
        self._lock_folder()
        if not self._upkeep.is_running:  # the page does not wait
            self._upkeep.run_once()

    def _ready(self) -> None:
        """Before a write: the indexes are checked, and mended unless that is done in the background."""
        self._prepare_search()
        if self._upkeep.is_running:
            self._upkeep.wait_checked()

    def _warm_up(self) -> None:
        """Pay for loading before the first question; what fails here is told when it is asked for."""
        try:
            self._parser.warm_up()
            self._retriever.warm_up(self.collection())
            self.models.warm_up()
        except RagError:
            return
