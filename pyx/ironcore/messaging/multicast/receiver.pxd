# What the receiving end of a multicast stream knows and holds: shared by subscription, belief and
# recovery.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.messaging.multicast.hold cimport Hold
from ironcore.net.af_xdp.receive cimport XdpReceiver
from ironcore.net.datagrams cimport DatagramBatch, DatagramPace
from ironcore.net.sockets cimport Sockets
from ironcore.wire.moldudp64 cimport MoldReader

cdef enum:                           # where datagrams come from
    SOURCE_A = 0
    SOURCE_B = 1
    SOURCE_ANSWERS = 2               # to re-requests
    SOURCES = 3

cdef enum:                           # counters, in the order of SUBSCRIPTION_COUNTERS
    MULTICAST_FRAMES = 0
    MULTICAST_PACKETS_FROM = 1       # the first of SOURCES
    MULTICAST_DUPLICATES = 4
    MULTICAST_CURRENT = 5
    MULTICAST_MALFORMED = 6
    MULTICAST_FOREIGN = 7
    MULTICAST_ABSURD = 8
    MULTICAST_JUMPS = 9
    MULTICAST_GAPS = 10
    MULTICAST_REQUESTS = 11
    MULTICAST_RECOVERED = 12
    MULTICAST_LOSSES = 13
    MULTICAST_LOST_FRAMES = 14
    MULTICAST_UNHELD = 15
    MULTICAST_KERNEL_DROPS = 16

cdef struct MulticastReceiver:
    Sockets sockets
    uint64_t** counters
    int sources[SOURCES]             # sockets, -1: none; that of answers is connected to the server
    XdpReceiver* xdp[SOURCES]        # what takes the packets of a source before it, NULL: nothing
    char session[10]
    bint session_known
    uint64_t expected                # number of the next frame; 0: what comes first decides
    uint64_t known_end               # the highest next number that any packet has shown
    uint64_t session_end             # number behind the last frame, 0: not known yet
    Hold held
    # What the last call of the kernel gave, and how far it is worked off.
    DatagramBatch batch
    DatagramPace paces[SOURCES]
    int batch_count
    int batch_next
    int batch_source
    int source_next                  # where to look for datagrams next
    uint32_t passes                  # looks at all sources, of which few are at answers
    bint holding                     # nothing is handed over before `splice`
    # The packet that is being handed over, when `reading`.
    bint reading
    MoldReader reader
    const uint8_t* message           # the next of it, NULL: not read yet
    uint16_t message_bytes
    uint64_t message_sequence
    # Times of the monotonic clock, 0: never.
    uint64_t started_ns              # the first poll
    bint unheard                     # long after that, no group had brought anything
    uint64_t heard_ns
    uint64_t heard_from_ns[SOURCES]
    uint64_t gap_ns                  # when the open gap was found, or last got smaller
    uint64_t patient_until_ns        # until then the gap may close by itself
    uint64_t asked_ns                # when the newest re-request was sent, 0: none is out
    uint64_t asked_end               # what is before it was asked for, or is here
    uint64_t stride                  # frames that fit an answer, as far as is known
    uint64_t stamp_ns                # UNIX time at which the newest packet arrived, 0: not known
    uint32_t dropped[SOURCES]
    # A number far beyond what is known: where it led to (0: none), until another goes on from it.
    uint64_t absurd_next
    uint64_t absurd_ns
    # A jump that one packet alone has shown: nothing is given up for it. doubt_end 0: none.
    uint64_t doubt_first
    uint64_t doubt_end
    uint64_t doubt_ns
    uint64_t doubt_asked_ns          # when the server was asked whether it knows it
    # What contradicts `known_end`: packets of the groups that go on below it.
    uint64_t top_ns                  # when a packet last showed `known_end`
    uint64_t low_end                 # the highest next number that those below it show
    uint32_t lows
    uint64_t end_told                # number of an end of session not confirmed yet, 0: none
    # The search for the first missing frame that the server still has; search_high 0: none.
    uint64_t search_low              # it has none up to here
    uint64_t search_high             # it has this one, or it is here
    uint64_t search_at               # asked for now, 0: none yet
    uint64_t search_ns
    int search_tries
    # The search ahead when the server alone brings the stream, and is silent.
    uint64_t ahead                   # frames from `expected` to the one asked for last, 0: none yet
    uint32_t ahead_finer             # the steps are this power of two smaller than what is ahead
    char foreign_session[10]
    int foreign_streak
    bint replaced                    # the publisher has begun another session
    # Settings.
    uint64_t ask_after_ns
    uint64_t ask_again_ns
    uint64_t give_up_ns
    uint64_t silence_ns
    uint64_t jump_max
