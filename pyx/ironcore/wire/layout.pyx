"""The bridge between Python values and the codecs' structs, driven by one line of text a message.

A line reads `type kind wire_bytes[+|?] field:kind...`, as docs/WIRE.md has the message: u1 u2 u4
u6 u8 unsigned, i4 signed, c one character, o one or none (NUL), aN text of N characters, xN bytes
without meaning. An indented line goes on with the one before. The struct's fields come in the same
order with natural alignment; then, where the size is followed by + or ?, the appendage's pointer
and length. Both sizes, on the wire and of the struct, are checked when the table is made.
"""

import operator

from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.wire.codec cimport load_u16_be


cdef inline size_t _aligned(size_t offset, size_t alignment) noexcept nogil:
    return (offset + alignment - 1) & ~(alignment - 1)


cdef class Layout:
    """One message: its name, its size and where its struct has the fields."""

    def __init__(self, str protocol, str line, size_t struct_bytes, dict defaults):
        cdef size_t at = 0
        cdef size_t alignment = 1
        cdef size_t wire = 1
        cdef size_t width, host
        cdef int i
        type_text, self.kind, size, *fields = line.split()
        self.protocol = protocol
        self.type = ord(type_text) if len(type_text) == 1 else int(type_text, 0)
        self.tail = "+" if size.endswith("+") else "?" if size.endswith("?") else ""
        self.wire_bytes = int(size.rstrip("+?"))
        names = []
        for field in fields:
            name, kind = field.split(":")
            letter = kind[0]
            width = int(kind[1:] or "1")
            host = 8 if width == 6 and letter == "u" else width
            wire += width
            if letter in "ui":
                at = _aligned(at, host)
                alignment = max(alignment, host)
            if letter != "x":
                i = len(names)
                self.field_kinds[i] = ord(letter)
                self.field_bytes[i] = width
                self.field_offsets[i] = at
                names.append(name)
            at += host
        self.names = tuple(names)
        self.defaults = {name: defaults[name] for name in names if name in defaults}
        if names and names[0] == "type":
            wire -= 1
        if self.tail:
            alignment = sizeof(void*)
            self.tail_offset = _aligned(at, sizeof(void*))
            at = self.tail_offset + sizeof(void*) + sizeof(uint16_t)
            wire += 2 if self.tail == "+" else 0
        if wire != self.wire_bytes or _aligned(at, alignment) != struct_bytes:
            raise AssertionError(f"{protocol} {self.kind}: the table and the struct disagree")

    cdef object error(self, str field, str found, str expected):
        return ValueError(
            f"{self.protocol} {self.kind}: {field}: found {found}, expected {expected}")

    cdef object size_error(self, const uint8_t* buffer, size_t bytes):
        """Why a message of this type was refused."""
        cdef size_t fixed = self.wire_bytes + (2 if self.tail == "?" else 0)
        cdef str expected = str(self.wire_bytes)
        if self.tail and bytes >= fixed:
            return self.error("appendage_length", str(load_u16_be(buffer + fixed - 2)),
                              f"{bytes - fixed}, as many as follow")
        if self.tail == "+":
            expected = f"at least {self.wire_bytes}"
        elif self.tail == "?":
            expected = f"{self.wire_bytes}, or at least {fixed}"
        return ValueError(f"{self.protocol} {self.kind}: found {bytes} bytes, expected {expected}")

    cdef dict load(self, const uint8_t* host):
        """The fields of a struct as Python values; text without the padding."""
        cdef dict out = {"kind": self.kind}
        cdef Py_ssize_t i
        cdef size_t width
        cdef const uint8_t* p
        for i in range(len(self.names)):
            p = host + self.field_offsets[i]
            width = self.field_bytes[i]
            if self.field_kinds[i] == c"a":
                while width and p[width - 1] == 0x20:
                    width -= 1
                value = PyUnicode_DecodeLatin1(<const char*>p, <Py_ssize_t>width, NULL)
            elif self.field_kinds[i] == c"o" and p[0] == 0:
                value = ""
            elif self.field_kinds[i] == c"c" or self.field_kinds[i] == c"o":
                value = PyUnicode_DecodeLatin1(<const char*>p, 1, NULL)
            elif self.field_kinds[i] == c"i":
                value = (<const int32_t*>p)[0]
            elif width == 1:
                value = p[0]
            elif width == 2:
                value = (<const uint16_t*>p)[0]
            elif width == 4:
                value = (<const uint32_t*>p)[0]
            else:
                value = (<const uint64_t*>p)[0]
            out[self.names[i]] = value
        return out

    cdef int store(self, dict fields, uint8_t* host) except -1:
        """Fill a struct. ValueError: a field is missing, unknown, of another type, out of range."""
        cdef Py_ssize_t i
        for name in fields:
            if name not in self.names:
                raise self.error(name, "a field of this name", "one of " + " ".join(self.names))
        for i in range(len(self.names)):
            name = self.names[i]
            if name in fields:
                value = fields[name]
            elif name in self.defaults:
                value = self.defaults[name]
            else:
                raise self.error(name, "nothing", self._expected(i))
            if self.field_kinds[i] in b"aco":
                self._store_text(i, value, host + self.field_offsets[i])
            else:
                self._store_number(i, value, host + self.field_offsets[i])
        return 0

    def _expected(self, Py_ssize_t i):
        cdef size_t width = self.field_bytes[i]
        if self.field_kinds[i] == c"a":
            return f"text of at most {width} characters"
        if self.field_kinds[i] == c"c":
            return "one character"
        if self.field_kinds[i] == c"o":
            return "one character or none"
        if self.field_kinds[i] == c"i":
            return "an integer from -2147483648 to 2147483647"
        return f"an integer from 0 to {256 ** int(width) - 1}"

    cdef bint is_text(self, str name):
        return self.field_kinds[self.names.index(name)] in b"aco"

    cdef object dtype(self):
        """The struct without its tail as a numpy type."""
        import numpy  # here, as it takes longer to import than all else, and few ask for it
        formats = {"a": "S", "c": "S", "o": "S", "u": "<u", "i": "<i"}
        kinds = [chr(self.field_kinds[i]) for i in range(len(self.names))]
        widths = [self.field_bytes[i] for i in range(len(self.names))]
        return numpy.dtype({
            "names": list(self.names),
            "formats": [formats[kind] + str(w) for kind, w in zip(kinds, widths, strict=True)],
            "offsets": [self.field_offsets[i] for i in range(len(self.names))],
            "itemsize": self.wire_bytes,
        })

    cdef int _store_text(self, Py_ssize_t i, object value, uint8_t* p) except -1:
        cdef size_t width = self.field_bytes[i]
        name = self.names[i]
        found = "another value" if name == "password" else repr(value)
        try:
            text = value.encode("latin-1")
        except (AttributeError, UnicodeEncodeError):
            raise self.error(name, found, self._expected(i)) from None
        if <size_t>len(text) > width or (self.field_kinds[i] == c"c" and len(text) != 1):
            raise self.error(name, found, self._expected(i))
        memset(p, 0 if self.field_kinds[i] == c"o" else 0x20, width)
        memcpy(p, <const char*>text, len(text))
        return 0

    cdef int _store_number(self, Py_ssize_t i, object value, uint8_t* p) except -1:
        cdef size_t width = self.field_bytes[i]
        cdef bint fits
        cdef int32_t signed
        cdef uint64_t number = 0
        try:
            if self.field_kinds[i] == c"i":
                signed = operator.index(value)
                number = <uint64_t>signed
                fits = True
            else:
                number = operator.index(value)
                fits = width == 8 or number >> (8 * width) == 0
        except (TypeError, OverflowError):
            fits = False
        if not fits:
            raise self.error(self.names[i], repr(value), self._expected(i))
        memcpy(p, &number, 8 if width == 6 else width)
        return 0


cdef class Protocol:
    """The messages of one direction of one protocol, by type and by name."""

    def __init__(self, str name, str table, tuple struct_bytes, dict defaults=None):
        lines = table.replace("\n    ", " ").strip().splitlines()
        self.name = name
        self.by_type = {}
        self.by_kind = {}
        for line, size in zip(lines, struct_bytes, strict=True):
            layout = Layout(name, line, size, defaults or {})
            self.by_type[layout.type] = layout
            self.by_kind[layout.kind] = layout

    cdef Layout layout_of_type(self, const uint8_t* buffer, size_t bytes):
        cdef Layout layout
        if bytes == 0:
            raise ValueError(f"{self.name}: found 0 bytes, expected a message")
        layout = self.by_type.get(buffer[0])
        if layout is None:
            types = " ".join(chr(t) for t in self.by_type)
            raise ValueError(
                f"{self.name}: type: found {chr(buffer[0])!r}, expected one of {types}")
        return layout

    cdef Layout layout_of_kind(self, object kind):
        cdef Layout layout = self.by_kind.get(kind)
        if layout is None:
            raise ValueError(f"{self.name}: kind: found {kind!r}, "
                             f"expected one of {' '.join(self.by_kind)}")
        return layout
