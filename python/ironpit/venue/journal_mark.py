"""What readers of a journal say of its high-water mark."""

from ironcore.stream.journal_reader import JournalMarked


def mark_warning(marked: JournalMarked | None, last: int) -> str:
    """Of a journal that was read up to `last`, after its mark: a warning, "" for none."""
    if marked is None:
        return ""
    if marked.fault:
        return f"journal.mark: {marked.fault}; the journal ends at sequence {last}"
    if marked.sequence > last:
        return (
            f"journal.mark says that the journal was durable up to sequence {marked.sequence}, "
            f"and it ends at sequence {last}: what follows is missing"
        )
    return ""
