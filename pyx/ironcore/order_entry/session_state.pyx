"""The memory of the order-entry sessions, reserved at start."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset

from ironcore.base.check cimport iron_static_assert
from ironcore.base.status cimport STATUS_IO, STATUS_OK
from ironcore.stream.facts cimport facts_close, facts_has_session, facts_open
from ironcore.wire.record cimport DefineSession
from ironcore.order_entry.reply_log cimport reply_log_append, reply_log_close, reply_log_open

cdef extern from * nogil:
    """
    #include <stdint.h>
    #include <sys/mman.h>
    static void *iron_table_reserve(uint64_t bytes) {
        void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        return p == MAP_FAILED ? NULL : p;
    }
    static void iron_table_release(void *p, uint64_t bytes) { if (p) munmap(p, bytes); }
    """
    void* iron_table_reserve(uint64_t bytes)
    void iron_table_release(void* p, uint64_t bytes)


cdef int sessions_open(Sessions* s, const Framing* framing, uint32_t sessions_max,
                       uint32_t instruments_max, uint32_t user_ref_bits,
                       uint64_t replies_bytes_max) noexcept nogil:
    iron_static_assert(sizeof(OrderFacts) == 32)
    cdef uint32_t i
    memset(s, 0, sizeof(Sessions))
    s.framing = framing
    s.sessions_max = sessions_max
    s.user_ref_bits = user_ref_bits
    s.session = <Session*>calloc(sessions_max + 1, sizeof(Session))
    s.unsent = <uint32_t*>calloc(sessions_max + 1, sizeof(uint32_t))
    if s.session == NULL or s.unsent == NULL:
        sessions_close(s)
        return STATUS_IO
    if facts_open(&s.facts, instruments_max, sessions_max) != STATUS_OK:
        sessions_close(s)
        return STATUS_IO
    for i in range(1, sessions_max + 1):
        s.session[i].connection = -1
        s.session[i].orders = <OrderFacts*>iron_table_reserve(
            sizeof(OrderFacts) << user_ref_bits)
        if (s.session[i].orders == NULL
                or reply_log_open(&s.session[i].log, replies_bytes_max) != STATUS_OK):
            sessions_close(s)
            return STATUS_IO
    return STATUS_OK


cdef void sessions_close(Sessions* s) noexcept nogil:
    cdef uint32_t i
    if s.session != NULL:
        for i in range(1, s.sessions_max + 1):
            iron_table_release(s.session[i].orders, sizeof(OrderFacts) << s.user_ref_bits)
            reply_log_close(&s.session[i].log)
    facts_close(&s.facts)
    free(s.session)
    free(s.unsent)
    s.session = NULL
    s.unsent = NULL


cdef bint _is_named(const DefineSession* defined, const char* name) noexcept nogil:
    iron_static_assert(sizeof(defined.username) == SESSION_NAME_BYTES)
    return memcmp(defined.username, name, SESSION_NAME_BYTES) == 0


cdef uint32_t sessions_find(const Sessions* s, const char* username) noexcept nogil:
    cdef uint32_t i
    for i in range(1, s.sessions_max + 1):
        if facts_has_session(&s.facts, i) and _is_named(sessions_defined(s, i), username):
            return i
    return 0


cdef void sessions_claim(Sessions* s, uint32_t session) noexcept nogil:
    cdef bint is_named = s.names == NULL
    cdef uint32_t i
    for i in range(s.names_count):
        if _is_named(sessions_defined(s, session), s.names + SESSION_NAME_BYTES * i):
            is_named = True
    s.session[session].served = is_named != s.names_elsewhere


cdef void sessions_reply(Sessions* s, uint32_t session, const uint8_t* message,
                         size_t bytes) noexcept nogil:
    cdef Session* to = &s.session[session]
    if not to.served:
        return                       # session 0, the venue itself, is not
    if reply_log_append(&to.log, s.framing, message, <uint32_t>bytes) != STATUS_OK:
        to.replies_lost += 1
        return
    # The last eighth is for what is on its way and for the cancels of what rests.
    if not to.full and to.log.bytes > to.log.bytes_max // 8 * 7:
        to.full = True
        to.cancel_due = True
        s.cancels_due = True
    if not to.unsent:
        to.unsent = True
        s.unsent[s.unsent_count] = session
        s.unsent_count += 1
