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


class ProviderError(RagError):
    """A model or the server behind it did not do its part."""


class StoreError(RagError):
    """The data folder or an index in it cannot be used."""


class Cancelled(RagError):
    """The user stopped it."""
