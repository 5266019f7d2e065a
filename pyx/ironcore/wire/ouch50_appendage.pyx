"""OUCH 5.0 appendages: the walk over TagValue elements, and the known tags as one struct."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport (
    STATUS_EMPTY, STATUS_MALFORMED, STATUS_OK, STATUS_UNKNOWN_TYPE, Status,
)
from ironcore.wire.layout cimport Layout

cdef extern from *:
    """
    #include "iron_options.h"
    // By tag: the bytes of its value, and for Python its kind and its name; 0 for an unknown one.
    #define IRON_TAG(name, tag, bytes, kind) [tag] = bytes,
    static const uint8_t iron_tag_bytes[256] = {IRON_FOR_TAGS};
    #undef IRON_TAG
    #define IRON_TAG(name, tag, bytes, kind) [tag] = kind,
    static const uint8_t iron_tag_kinds[256] = {IRON_FOR_TAGS};
    #undef IRON_TAG
    #define IRON_TAG(name, tag, bytes, kind) [tag] = #name,
    static const char *const iron_tag_names[256] = {IRON_FOR_TAGS};
    #undef IRON_TAG
    """
    const uint8_t* iron_tag_bytes
    const uint8_t* iron_tag_kinds
    const char** iron_tag_names


cdef Status ouch50_next_tag(const uint8_t* appendage, size_t bytes, size_t* offset,
                            OuchTag* out) noexcept nogil:
    cdef size_t at = offset[0]
    cdef size_t length
    if at >= bytes:
        return STATUS_EMPTY
    length = appendage[at]
    if length == 0 or length > bytes - at - 1:
        return STATUS_MALFORMED
    out.tag = appendage[at + 1]
    out.value_bytes = <uint8_t>(length - 1)
    out.value = appendage + at + 2
    offset[0] = at + 1 + length
    return STATUS_OK


cdef size_t ouch50_tag_value_bytes(uint8_t tag) noexcept nogil:
    return iron_tag_bytes[tag]


cdef Status ouch50_check_appendage(const uint8_t* appendage, size_t bytes) noexcept nogil:
    cdef OuchOptions options
    return ouch50_decode_options(appendage, bytes, &options)


cdef Status ouch50_decode_options(const uint8_t* appendage, size_t bytes,
                                  OuchOptions* out) noexcept nogil:
    iron_static_assert(OUCH50_TAG_VALUES == 64)
    cdef OuchTag element
    cdef size_t offset = 0
    cdef size_t value_bytes, i
    cdef uint64_t value
    cdef Status status
    cdef Status result = STATUS_OK
    out.present = 0
    while True:
        status = ouch50_next_tag(appendage, bytes, &offset, &element)
        if status == STATUS_EMPTY:
            return result
        if status != STATUS_OK:
            return status
        value_bytes = ouch50_tag_value_bytes(element.tag)
        if value_bytes == 0:
            result = STATUS_UNKNOWN_TYPE
            continue
        if element.value_bytes != value_bytes or ouch50_has(out, element.tag):
            return STATUS_MALFORMED
        value = 0
        for i in range(value_bytes):
            value = value << 8 | element.value[i]
        ouch50_set(out, element.tag, value)


cdef size_t ouch50_encode_options(const OuchOptions* options, uint8_t* out) noexcept nogil:
    cdef size_t bytes = 0
    cdef size_t value_bytes, i
    cdef uint32_t index
    cdef uint8_t tag
    for index in range(64):
        if options.present >> index & 1:
            tag = <uint8_t>(index if index < 32 else index - 32 + OUCH50_TAG_VENUE_FIRST)
            value_bytes = ouch50_tag_value_bytes(tag)
            out[bytes] = <uint8_t>(1 + value_bytes)
            out[bytes + 1] = tag
            for i in range(value_bytes):
                out[bytes + 2 + i] = <uint8_t>(
                    options.values[index] >> (8 * (value_bytes - 1 - i)))
            bytes += 2 + value_bytes
    return bytes


# The known tags by their names of docs/WIRE.md, and one struct of them all, the wide ones first so
# that it has no gaps: through it values go in and out of Python.
cdef dict _tag_numbers = {
    iron_tag_names[tag].decode(): tag for tag in range(256) if iron_tag_bytes[tag]}
cdef list _by_width = sorted(_tag_numbers, key=lambda name: -iron_tag_bytes[_tag_numbers[name]])
cdef dict _offsets = {}


cdef str _field(str name):
    cdef uint8_t tag = _tag_numbers[name]
    letter = chr(iron_tag_kinds[tag])
    if letter == "c":
        return f"{name}:c"
    return f"{name}:{'u' if letter == 'p' else letter}{iron_tag_bytes[tag]}"


cdef Layout _make_layout():
    cdef size_t at = 8
    for name in _by_width:
        _offsets[name] = at
        at += iron_tag_bytes[<uint8_t>_tag_numbers[name]]
    fields = " ".join([_field(name) for name in _by_width])
    return Layout("OUCH", f"- appendage {at + 1} present:u8 {fields}", (at + 7) & ~<size_t>7, {})


cdef enum:
    STRUCT_WORDS_MAX = 64
    STRUCT_BYTES_MAX = 512

cdef Layout _options = _make_layout()


cdef inline bint _is_text(uint8_t tag) noexcept nogil:
    return iron_tag_kinds[tag] == c'c' or iron_tag_kinds[tag] == c'a'


cdef void _put_value(uint8_t tag, uint64_t value, uint8_t* field) noexcept nogil:
    cdef size_t bytes = iron_tag_bytes[tag]
    cdef size_t i
    for i in range(bytes):
        field[bytes - 1 - i if _is_text(tag) else i] = <uint8_t>(value >> (8 * i))


cdef uint64_t _get_value(uint8_t tag, const uint8_t* field) noexcept nogil:
    cdef size_t bytes = iron_tag_bytes[tag]
    cdef uint64_t value = 0
    cdef size_t i
    for i in range(bytes):
        value |= <uint64_t>field[bytes - 1 - i if _is_text(tag) else i] << (8 * i)
    return value


cdef dict ouch50_appendage_dict(Layout message, const uint8_t* appendage, size_t bytes):
    cdef OuchOptions options
    cdef uint64_t[STRUCT_WORDS_MAX] host
    cdef OuchTag element
    cdef size_t offset = 0
    cdef dict out = {}
    cdef Status status
    if bytes == 0:
        return out
    status = ouch50_decode_options(appendage, bytes, &options)
    if status != STATUS_OK and status != STATUS_UNKNOWN_TYPE:
        raise message.error("appendage", (<char*>appendage)[:bytes].hex(" "),
                            "whole elements, known tags once and of their length")
    memset(host, 0x20, sizeof(host))
    for name, tag in _tag_numbers.items():
        if ouch50_has(&options, tag):
            _put_value(tag, ouch50_value(&options, tag), <uint8_t*>host + <size_t>_offsets[name])
    fields = _options.load(<const uint8_t*>host)
    for name, tag in _tag_numbers.items():
        if ouch50_has(&options, tag):
            out[name] = fields[name]
    while ouch50_next_tag(appendage, bytes, &offset, &element) == STATUS_OK:
        if ouch50_tag_value_bytes(element.tag) == 0:
            out[f"Tag{element.tag}"] = (<char*>element.value)[:element.value_bytes]
    return out


cdef bytes ouch50_appendage_bytes(Layout message, dict options):
    cdef OuchOptions found
    cdef uint64_t[STRUCT_WORDS_MAX] host
    cdef uint8_t[STRUCT_BYTES_MAX] out
    # A value for every field: those that are not present are filled but never written out.
    cdef dict fields = _options.load(<const uint8_t*>memset(host, 0x20, sizeof(host)))
    del fields["kind"]
    for name, value in options.items():
        if name not in _tag_numbers:
            raise message.error("appendage", f"option {name!r}",
                                "one of " + " ".join(_tag_numbers))
        fields[name] = value
    _options.store(fields, <uint8_t*>host)
    found.present = 0
    for name in options:
        ouch50_set(&found, _tag_numbers[name],
                   _get_value(_tag_numbers[name], <uint8_t*>host + <size_t>_offsets[name]))
    return (<char*>out)[:ouch50_encode_options(&found, out)]
