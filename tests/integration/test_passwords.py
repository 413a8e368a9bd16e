"""Files under a password: typed or given with the command, tried, and never written down."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfWriter

from rag.catalog import Job
from rag.engine import Engine
from rag.errors import DocumentError, asks_for_password
from rag.settings import load_settings
from tests.pictures import pdf

PASSWORD = "corallium-rubrum"


def locked(password: str = PASSWORD) -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(pdf(("The lamp burns whale oil", []))))
    writer.encrypt(password, algorithm="AES-256")
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(load_settings(data_dir=tmp_path)) as engine:
        yield engine


def add(engine: Engine, name: str, content: bytes) -> Job:
    number = engine.intake.add(engine.collection(), name, io.BytesIO(content))
    return next(iter(engine.intake.run([number])))


def test_a_typed_password_opens_the_document_and_its_pages(engine: Engine, tmp_path: Path) -> None:
    failed = add(engine, "a.pdf", locked())
    assert failed.error and failed.document_id
    assert asks_for_password(failed.error.message)
    engine.intake.unlock(failed.document_id, "wrong")
    (job,) = engine.intake.run([engine.intake.retry(failed.document_id)])
    assert job.error and "is wrong" in str(job.error)
    engine.intake.unlock(str(job.document_id), PASSWORD)
    (job,) = engine.intake.run([engine.intake.retry(str(job.document_id))])
    assert job.status == "added"
    assert engine.page_picture(str(job.document_id), 1).startswith(b"\x89PNG")
    for path in (each for each in tmp_path.rglob("*") if each.is_file()):
        assert PASSWORD.encode() not in path.read_bytes(), path


def test_each_offered_password_is_tried(engine: Engine) -> None:
    engine.intake.try_passwords(["wrong", PASSWORD, "other"])
    assert add(engine, "a.pdf", locked()).status == "added"
    assert add(engine, "b.pdf", locked("other")).status == "added"
    assert add(engine, "c.pdf", pdf(("No password here at all", []))).status == "added"


def test_after_a_restart_the_page_asks_for_the_password_again(engine: Engine, tmp_path: Path) -> None:
    engine.intake.try_passwords([PASSWORD])
    document_id = str(add(engine, "a.pdf", locked()).document_id)
    engine.close()
    with Engine(load_settings(data_dir=tmp_path)) as again:
        with pytest.raises(DocumentError, match=r"a\.pdf needs a password"):
            again.page_picture(document_id, 1)
        again.intake.unlock(document_id, PASSWORD)
        assert again.page_picture(document_id, 1).startswith(b"\x89PNG")
