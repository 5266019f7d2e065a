"""The options of an order: their declarations as Python sees them, and records' dicts of them."""

from collections import namedtuple

import numpy as np

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from ironcore.wire.layout cimport Layout

cdef extern from *:
    """
    #include "iron_options.h"
    struct iron_option_row {
        const char *name, *ouch;
        uint32_t tag, bytes;
        char kind;
        uint32_t width, offset, bit, value, kept;
    };
    #define OPTION_ROW(type, name, ouch, tag, bytes, kind, value, kept) \\
        {#name, #ouch, tag, bytes, kind, sizeof(type), \\
         offsetof(struct iron_order_options, name), IRON_NAMED_##name, value, kept},
    #define REFUSED_ROW(name, ouch, tag, bytes, kind) \\
        {#name, #ouch, tag, bytes, kind, 0, 0, IRON_NAMED_##name, 0, 0},
    static const struct iron_option_row iron_option_rows[IRON_OPTIONS_COUNT] = {
        IRON_FOR_OPTIONS(OPTION_ROW) IRON_FOR_REFUSED_OPTIONS(REFUSED_ROW)};
    """
    cdef struct iron_option_row:
        const char* name
        const char* ouch
        uint32_t tag
        uint32_t bytes
        char kind
        uint32_t width
        uint32_t offset
        uint32_t bit
        uint32_t value
        uint32_t kept
    const iron_option_row* iron_option_rows
    enum:
        IRON_OPTIONS_COUNT

cdef enum:
    OPTION_WORDS = 7                 # of the block

Option = namedtuple(
    "Option",
    ["name", "ouch", "tag", "bytes", "kind", "format", "offset", "bit", "default", "kept"])


cdef object _option(const iron_option_row* row):
    kind = chr(row.kind)
    number = "i" if kind in "ip" else "u"
    return Option(row.name.decode(), row.ouch.decode(), row.tag, row.bytes, kind,
                  f"<{number}{row.width}" if row.width else "", row.offset, row.bit, row.value,
                  row.kept != 0)


cdef tuple _all = tuple([_option(&iron_option_rows[i]) for i in range(IRON_OPTIONS_COUNT)])
OPTIONS = tuple([option for option in _all if option.format])
REFUSED = tuple([option for option in _all if not option.format])


cdef object _dtype():
    fields = [("named", "<u4")] + [(option.name, option.format) for option in OPTIONS]
    used = np.dtype(fields).itemsize
    return np.dtype([*fields, ("reserved", f"V{OPTIONS_BYTES - used}")])


OPTIONS_DTYPE = _dtype()


cdef str _field(option):
    """As wire/layout.pyx has it: a character may be none."""
    width = int(option.format[2:])
    return f"{option.name}:o" if option.kind == "c" else f"{option.name}:{option.format[1]}{width}"


cdef Layout _layout = Layout("record", " ".join([
    "- options", str(OPTIONS_BYTES + 1), "named:u4", *[_field(option) for option in OPTIONS],
    f"reserved:x{OPTIONS_DTYPE['reserved'].itemsize}"]), sizeof(OrderOptions), {})


def named_of(dict options not None):
    """The bits of what is named."""
    bits = {option.name: option.bit for option in _all}
    return sum([bits[name] for name in options])


cdef dict order_options_dict(const uint8_t* options):
    """What is named, by name; of what is refused only that it is."""
    cdef uint64_t[OPTION_WORDS] aligned
    memcpy(aligned, options, sizeof(OrderOptions))
    fields = _layout.load(<const uint8_t*>aligned)
    named = fields["named"]
    out = {option.name: fields[option.name] for option in OPTIONS if named & option.bit}
    out.update({option.name: True for option in REFUSED if named & option.bit})
    return out


cdef bytes order_options_bytes(object message, dict options):
    cdef uint64_t[OPTION_WORDS] aligned
    known = {option.name: option for option in _all}
    fields = {option.name: "" if option.kind == "c" else 0 for option in OPTIONS}
    for name, value in options.items():
        if name not in known:
            raise (<Layout>message).error("options", f"option {name!r}",
                                          "one of " + " ".join(known))
        if known[name].format:
            fields[name] = value
    fields["named"] = named_of(options)
    memset(aligned, 0, sizeof(aligned))
    _layout.store(fields, <uint8_t*>aligned)
    return (<char*>aligned)[:sizeof(OrderOptions)]
