from typing_extensions import Buffer

def checksum(data: Buffer, crc: int = 0) -> int:
    """The CRC32C of data, going on from the checksum of what came before it."""

def checksum_by_table(data: Buffer, crc: int = 0) -> int:
    """The same without the processor's instruction."""

def instruction_available() -> bool:
    """Whether this processor computes CRC32C by itself."""
