import os

from ironcore.base.files import FileDirectory
from ironcore.stream.journal_reader import JournalCorruptError, JournalReport

class JournalBehindError(JournalCorruptError):
    mark_sequence: int

def recover(
    directory: str | os.PathLike[str] | FileDirectory,
    truncate_at: int | None = ...,
    *,
    newest_only: bool = ...,
    held: tuple[int, int] = ...,
    identity: str = ...,
) -> JournalReport: ...
