# What this package makes public; __init__.py imports it from here when it is used.
from ._archive import (
    Archive as Archive,
    ArchivedRun as ArchivedRun,
    ArchiveError as ArchiveError,
    Query as Query,
)
from ._documents import (
    Document as Document,
    DocumentsError as DocumentsError,
    read_documents as read_documents,
)
from ._open import open_archive as open_archive
