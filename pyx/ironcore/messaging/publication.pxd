# The sending end of a stream, the same for every transport.
#
# A stream is a sequence of frames numbered from 1 without a hole.
# A publication gives each frame that it takes the next number. It never waits: what it cannot take
# now is STATUS_FULL, counted, and the caller's to offer again or to leave; a slow reader is dealt
# with as the configuration says.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

cdef struct Publication:
    void* self
    # now_ns is the monotonic time. STATUS_OK: the frame is in the stream. STATUS_FULL: no room now.
    # STATUS_TOO_LARGE: no frame of this length can ever be taken. STATUS_CLOSED: the stream has
    # ended. STATUS_IO: the transport is gone for good.
    int (*offer)(void* self, const uint8_t* frame, uint32_t frame_bytes,
                 uint64_t now_ns) noexcept nogil
    # What is due besides new frames: what is packed and not sent, heartbeats, readers that ask or
    # come and go. To be called in every turn of the agent that owns the publication. The work done,
    # or a negative status when the transport is gone for good.
    int (*turn)(void* self, uint64_t now_ns) noexcept nogil
    # A frame that is in the stream already, from before a restart, in the order of the stream: kept
    # for those who ask for it, not sent. Its number is the one that `sequence_next` says, which
    # goes up by one. Only before the first offer.
    void (*recall)(void* self, const uint8_t* frame, uint32_t frame_bytes) noexcept nogil
    # The next `count` numbers have frames that are lost for good: readers are told of the gap, and
    # the next frame's number is behind it. STATUS_OK, STATUS_FULL or STATUS_CLOSED. NULL: this
    # transport cannot leave numbers out.
    int (*skip)(void* self, uint64_t count) noexcept nogil
    # The number that the next frame will have.
    uint64_t (*sequence_next)(void* self) noexcept nogil
    # The number behind the last frame that has left (or was given up): a restart need not offer
    # what is below it. NULL: every frame leaves as it is offered.
    uint64_t (*departed_next)(void* self) noexcept nogil
    # No frame comes after this: readers are told. Repeated turns go on telling and answering.
    void (*end)(void* self) noexcept nogil

cdef class PublicationEnd:
    cdef Publication publication
    cdef readonly object counters        # ironcore.base.counter_set.CounterSet
