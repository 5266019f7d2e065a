# The places of a session's quotes: one for each instrument in which it has one, or a protection.

from libc.stdint cimport uint32_t

from ironcore.engine.engine cimport Engine
from ironcore.engine.quotes.session_quotes cimport SessionQuotes

# Where the instrument's quote is, or may be; QUOTES_MAX when there is no room.
cdef uint32_t quote_place_find(Engine* engine, const SessionQuotes* quotes,
                               uint32_t instrument) noexcept nogil
# What was found is the instrument's from here on.
cdef void quote_place_take(Engine* engine, SessionQuotes* quotes, uint32_t place,
                           uint32_t instrument) noexcept nogil
# The first broken rule, or NULL.
cdef const char* quotes_broken(Engine* engine) noexcept nogil
