"""Definitions from a few bytes each: shapes that differ, and some that are refused."""

from libc.stdint cimport int32_t, uint16_t
from libc.string cimport memcpy

from fuzz_source cimport source_begin, source_byte, source_end

from ironcore.wire.record cimport (
    COMMAND_DEFINE_SESSION, COMMAND_DEFINE_TICK_TABLE, DefineInstrument, DefineSession,
    DefineTickTable,
)

cdef extern from *:
    """
    static const char fuzz_states[] = "TTBOHPQLCX";
    static const char fuzz_stp_modes[] = "NOBD-";
    static const uint16_t fuzz_basis_points[] = {0, 10, 50, 10000};
    static const uint16_t fuzz_seconds[] = {0, 1, 5, 60};
    """
    const uint8_t* fuzz_states
    const uint8_t* fuzz_stp_modes
    const uint16_t* fuzz_basis_points
    const uint16_t* fuzz_seconds


cdef uint32_t define_instrument(Source* source, uint8_t type, uint32_t instrument) noexcept nogil:
    """Five shapes of price range, and everything else of an instrument from three bytes."""
    cdef DefineInstrument* command = <DefineInstrument*>source_begin(
        source, type, sizeof(DefineInstrument))
    cdef uint32_t shape = source_byte(source)
    cdef uint32_t collars = source_byte(source)
    cdef uint32_t others = source_byte(source)
    command.header.instrument = instrument
    memcpy(command.symbol, b"FUZZ    ", 8)
    command.tick_size = 100
    command.lot_size = 10 if shape & 4 else 1
    command.quantity_max = 0xFFFFFFFF if shape & 8 else 20000
    command.price_min = 100
    command.price_max = 2000000
    if shape & 3 == 1:
        command.tick_size = 1
        command.price_min = 1
        command.price_max = 40
    elif shape & 3 == 2:
        command.tick_size = 0
        command.tick_table = 1 + (shape >> 2 & 1) * (source.engine.tick_tables_count - 1)
    elif shape & 3 == 3:
        command.price_max = 1999999900
    command.initial_state = fuzz_states[(shape >> 4) % 9] if shape >> 4 else 0
    command.static_collar_bp = fuzz_basis_points[collars & 3]
    command.dynamic_collar_bp = fuzz_basis_points[collars >> 2 & 3]
    command.auction_collar_bp = fuzz_basis_points[collars >> 4 & 3]
    command.entry_collar_bp = fuzz_basis_points[collars >> 6]
    command.market_protection_bp = fuzz_basis_points[others & 3]
    command.pause_seconds = fuzz_seconds[others >> 2 & 3]
    command.auction_extensions_max = <uint8_t>fuzz_seconds[others >> 4 & 3]
    command.post_only_mode = others >> 6 & 1
    command.allocation = <uint8_t>((shape ^ collars) % 3)
    command.allocation_min = collars % 5
    # Rule 4.14: the limits are in reach, or as they are when nothing is said.
    command.followers_max = <uint16_t>(3 if shape & 12 == 12 else 0)
    command.min_quantity_max = <uint16_t>(2 if shape & 12 == 12 else 0)
    if others & 0x80:
        command.reference_price = 20 if shape & 3 == 1 else \
            10000 if shape & 3 == 2 else 1000000
    if shape & 3 == 1 and collars & 3 == 3:
        _lower(command, others)
    return source_end(source)


cdef void _lower(DefineInstrument* command, uint32_t others) noexcept nogil:
    """Prices on both sides of 0; one in eight asks for what there is not then (rule 2.12)."""
    command.price_min = -20
    command.price_max = 20
    command.initial_state = b"TTHC"[others & 3]
    if others & 0x1C:
        command.reference_price = 0
        command.static_collar_bp = 0
        command.dynamic_collar_bp = 0
        command.auction_collar_bp = 0
        command.entry_collar_bp = 0
        command.market_protection_bp = 0


cdef uint32_t define_tick_table(Source* source, uint32_t tick_table, uint32_t code) noexcept nogil:
    """Of 3 to 24 bands; one in eight is wrong."""
    cdef DefineTickTable* command = <DefineTickTable*>source_begin(
        source, COMMAND_DEFINE_TICK_TABLE, sizeof(DefineTickTable))
    cdef uint32_t index
    command.tick_table = tick_table
    command.bands_count = 3 + code % 22
    command.bands[0].tick_size = 100
    for index in range(1, command.bands_count):
        command.bands[index].price_from = <int32_t>(9000 + 1000 * index)
        command.bands[index].tick_size = 500 if index & 1 else 50
    if code & 0xE0 == 0xE0:
        command.bands[code & 3].price_from += 1
    return source_end(source)


cdef uint32_t define_session(Source* source, uint32_t session) noexcept nogil:
    cdef DefineSession* command = <DefineSession*>source_begin(
        source, COMMAND_DEFINE_SESSION, sizeof(DefineSession))
    cdef uint32_t style = source_byte(source)
    command.header.session = session
    memcpy(command.username, b"FUZZ            ", 16)
    memcpy(command.firm, b"FIRM    " if style & 1 else b"LONE    ", 8)
    command.stp_group = style >> 1 & 3
    command.stp_mode = fuzz_stp_modes[(style >> 3) % 5] if style & 0x80 else 0
    return source_end(source)
