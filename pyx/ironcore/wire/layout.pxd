# How the fields of one message lie in its host-endian struct, so that Python values go in and out.

from libc.stdint cimport uint8_t

cdef enum:
    LAYOUT_FIELDS_MAX = 64

cdef class Layout:
    cdef readonly str protocol
    cdef readonly str kind               # the message's name
    cdef readonly int type               # its type byte
    cdef readonly size_t wire_bytes      # of the fixed part
    cdef readonly str tail               # "": none; "+": an appendage; "?": perhaps an appendage
    cdef readonly size_t tail_offset     # of the appendage pointer in the struct
    cdef readonly tuple names
    cdef dict defaults
    cdef char[LAYOUT_FIELDS_MAX] field_kinds
    cdef size_t[LAYOUT_FIELDS_MAX] field_bytes
    cdef size_t[LAYOUT_FIELDS_MAX] field_offsets

    cdef dict load(self, const uint8_t* host)
    cdef int store(self, dict fields, uint8_t* host) except -1
    cdef object size_error(self, const uint8_t* buffer, size_t bytes)
    cdef object error(self, str field, str found, str expected)
    cdef bint is_text(self, str name)
    cdef object dtype(self)
    cdef int _store_text(self, Py_ssize_t i, object value, uint8_t* p) except -1
    cdef int _store_number(self, Py_ssize_t i, object value, uint8_t* p) except -1

cdef class Protocol:
    cdef readonly str name
    cdef readonly dict by_type           # type byte: Layout
    cdef readonly dict by_kind           # message name: Layout

    cdef Layout layout_of_type(self, const uint8_t* buffer, size_t bytes)
    cdef Layout layout_of_kind(self, object kind)
