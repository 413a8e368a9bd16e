"""What can go wrong, in words the user reads as they stand."""


class RagError(Exception):
    """An error whose text says what failed and what to do next.

    `message` is a template that the pages translate; `values` fill it in. `str(error)` is the English text.
    """

    def __init__(self, message: str, **values: object) -> None:
        self.message = message
        self.values = values
        super().__init__(message.format(**values))


class UsageError(RagError):
    """What was asked for cannot be asked like that: the command ends with status 2."""


class DocumentError(RagError):
    """A file cannot be read, or holds nothing that can be indexed."""


def too_large(name: str, size: int, limit_mb: int) -> DocumentError:
    """What is said of a file of `size` bytes where `limit_mb` MB are allowed."""
    return DocumentError(
        "{name} has {size} MB, and the limit is {limit} MB. Split it, or raise RAG_MAX_FILE_MB.",
        name=name,
        size=-(-size >> 20),
        limit=limit_mb,
    )


def needs_password(name: str) -> DocumentError:
    """What is said of a file that does not open without a password."""
    return DocumentError(
        "{name} needs a password. Type it in the library, or add the file with: rag ingest --password",
        name=name,
    )


def wrong_password(name: str) -> DocumentError:
    """What is said of a file that none of the passwords opens."""
    return DocumentError(
        "The password of {name} is wrong. Type it again in the library, or add the file with: "
        "rag ingest --password",
        name=name,
    )


def asks_for_password(message: str) -> bool:
    """Whether a template is that of a file which a password, or another one, would open."""
    return message in (needs_password("").message, wrong_password("").message)


class ProviderError(RagError):
    """A model or the server behind it did not do its part."""


class StoreError(RagError):
    """The data folder or an index in it cannot be used."""


class Cancelled(RagError):
    """The user stopped it."""
