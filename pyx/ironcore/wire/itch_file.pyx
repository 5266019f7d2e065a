"""The ITCH file: read in place, message by message, and written."""

from libc.stdint cimport uint8_t, uint16_t
from libc.string cimport memcpy

from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_TRUNCATED, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.codec cimport load_u16_be, store_u16_be
from ironcore.wire.itch50 cimport ITCH50_MESSAGE_BYTES_MAX, itch50_check


cdef Status itch_file_next(const uint8_t* buffer, size_t bytes, size_t* offset,
                           const uint8_t** message, uint16_t* message_bytes) noexcept nogil:
    cdef size_t at = offset[0]
    cdef uint16_t length
    cdef Status status
    if at >= bytes:
        return STATUS_EMPTY
    if bytes - at < ITCH_FILE_FRAME_BYTES:
        return STATUS_TRUNCATED
    length = load_u16_be(buffer + at)
    if length > bytes - at - ITCH_FILE_FRAME_BYTES:
        return STATUS_TRUNCATED
    if length == 0 and at + ITCH_FILE_FRAME_BYTES == bytes:
        itch_file_skip(offset, 0)
        return STATUS_EMPTY
    message[0] = buffer + at + ITCH_FILE_FRAME_BYTES
    message_bytes[0] = length
    status = itch50_check(message[0], length)
    if status == STATUS_OK:
        itch_file_skip(offset, length)
    # The frame is whole: a message that is too short for its type will not become longer.
    return STATUS_MALFORMED if status == STATUS_TRUNCATED else status


cdef void itch_file_skip(size_t* offset, uint16_t message_bytes) noexcept nogil:
    offset[0] += ITCH_FILE_FRAME_BYTES + message_bytes


cdef size_t itch_file_put(uint8_t* out, const uint8_t* message,
                          uint16_t message_bytes) noexcept nogil:
    store_u16_be(out, message_bytes)
    memcpy(out + ITCH_FILE_FRAME_BYTES, message, message_bytes)
    return ITCH_FILE_FRAME_BYTES + message_bytes


cdef class ItchFileReader:
    """An iterator over the messages in a buffer (bytes, mmap, ...); see the .pyi."""

    cdef const uint8_t[::1] _data
    cdef bint _skip_unknown
    cdef size_t _offset
    cdef size_t _messages

    def __cinit__(self, data not None, *, bint skip_unknown=False):
        self._data = data
        self._skip_unknown = skip_unknown

    @property
    def offset(self):
        return self._offset

    @property
    def messages(self):
        return self._messages

    def __iter__(self):
        return self

    def __next__(self):
        cdef size_t bytes = <size_t>self._data.shape[0]
        cdef const uint8_t* buffer = &self._data[0] if bytes else NULL
        cdef const uint8_t* message = NULL
        cdef uint16_t message_bytes = 0
        cdef Status status = itch_file_next(buffer, bytes, &self._offset, &message, &message_bytes)
        while status == STATUS_UNKNOWN_TYPE and self._skip_unknown:
            itch_file_skip(&self._offset, message_bytes)
            status = itch_file_next(buffer, bytes, &self._offset, &message, &message_bytes)
        if status == STATUS_OK:
            self._messages += 1
            return (<char*>message)[:message_bytes]
        if status == STATUS_EMPTY:
            raise StopIteration
        raise self._error(status, message, message_bytes)

    cdef object _error(self, Status status, const uint8_t* message, uint16_t message_bytes):
        where = f"ITCH file: message {self._messages + 1} at offset {self._offset}"
        if status == STATUS_TRUNCATED:
            return ValueError(f"{where}: found the end of the data, expected a whole message")
        if status == STATUS_UNKNOWN_TYPE:
            return ValueError(f"{where}: type: found {chr(message[0])!r}, expected one of ITCH 5.0")
        return ValueError(f"{where}: length: found {message_bytes}, "
                          f"expected the length of an ITCH 5.0 message of its type")


def frame(const uint8_t[::1] message not None):
    """The message behind its length, as it stands in a file."""
    cdef size_t bytes = <size_t>message.shape[0]
    cdef uint8_t[ITCH_FILE_FRAME_BYTES + ITCH50_MESSAGE_BYTES_MAX] out
    if bytes == 0 or itch50_check(&message[0], bytes) != STATUS_OK:
        raise ValueError(f"ITCH file: found {bytes} bytes, expected one whole ITCH 5.0 message")
    return (<char*>out)[:itch_file_put(out, &message[0], <uint16_t>bytes)]


def write_messages(file, messages):
    """Write the messages to a binary file object; how many there were."""
    cdef Py_ssize_t count = 0
    for message in messages:
        file.write(frame(message))
        count += 1
    return count
