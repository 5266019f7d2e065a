# SoupBinTCP 3.00, 4.00 and 4.10: packets of a u16 length (of what follows), a type byte, a payload.

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from ironcore.base.status cimport Status

cdef enum:
    SOUP_DEBUG = 0x2B                # '+': either way, ignored
    SOUP_LOGIN_ACCEPTED = 0x41       # 'A': server to client
    SOUP_LOGIN_REJECTED = 0x4A       # 'J'
    SOUP_SEQUENCED_DATA = 0x53       # 'S'
    SOUP_SERVER_HEARTBEAT = 0x48     # 'H'
    SOUP_END_OF_SESSION = 0x5A       # 'Z'
    SOUP_UNSEQUENCED_DATA = 0x55     # 'U': client to server; from 4.00 server to client as well
    SOUP_LOGIN_REQUEST = 0x4C        # 'L': client to server
    SOUP_CLIENT_HEARTBEAT = 0x52     # 'R'
    SOUP_LOGOUT_REQUEST = 0x4F       # 'O'
    SOUP_REJECT_NOT_AUTHORIZED = 0x41  # 'A'
    SOUP_REJECT_NO_SESSION = 0x53    # 'S'

cdef enum:
    SOUP_HEADER_BYTES = 3            # length and type
    SOUP_PAYLOAD_BYTES_MAX = 65534
    SOUP_LOGIN_BYTES = 46            # payload of a login request, 3.00 and 4.00
    SOUP_LOGIN_TIMEOUT_BYTES = 51    # 4.10: with the heartbeat timeout
    SOUP_LOGIN_ACCEPTED_BYTES = 30
    SOUP_LOGIN_REJECTED_BYTES = 1
    SOUP_SHORT_PACKET_BYTES_MAX = 54   # the longest packet that is not data: a 4.10 login request
    SOUP_HEARTBEAT_TIMEOUT_MS_DEFAULT = 15000

cdef struct SoupLoginRequest:
    char username[6]                 # upper case, left-justified, padded with spaces
    char password[10]                # likewise
    char session[10]                 # left-justified, padded with spaces; blank: the current one
    uint64_t sequence_number         # next wanted; 0 or blank: from the most recently generated
    uint32_t heartbeat_timeout_ms    # the default where the field is absent, blank or 0
    bint timeout_given               # the 4.10 field was there (encoder: write it)

cdef struct SoupLoginAccepted:
    char session[10]                 # left-justified, padded with spaces
    uint64_t sequence_number         # of the next sequenced message

# The packet at the start of the buffer. STATUS_TRUNCATED: read more; *packet_bytes is then 0 while
# the length is not yet there, and the packet's whole size afterwards, so that a caller can refuse a
# packet over its own limit before it has arrived. STATUS_MALFORMED: length 0.
cdef Status soupbin_next(const uint8_t* buffer, size_t bytes, uint8_t* packet_type,
                         const uint8_t** payload, size_t* payload_bytes,
                         size_t* packet_bytes) noexcept nogil
# Does the payload's length suit the type? STATUS_MALFORMED, or STATUS_UNKNOWN_TYPE.
cdef Status soupbin_check(uint8_t packet_type, size_t payload_bytes) noexcept nogil

# The payloads, padding on either side tolerated. STATUS_MALFORMED: another length, a number that is
# none or does not fit, or a character that is not printable ASCII.
cdef Status soupbin_decode_login_request(const uint8_t* payload, size_t bytes,
                                         SoupLoginRequest* out) noexcept nogil
cdef Status soupbin_decode_login_accepted(const uint8_t* payload, size_t bytes,
                                          SoupLoginAccepted* out) noexcept nogil
cdef Status soupbin_decode_login_rejected(const uint8_t* payload, size_t bytes,
                                          uint8_t* reason) noexcept nogil

# Whole packets; the result is the bytes written. session is 10 characters, padded on either side.
cdef size_t soupbin_encode_header(uint8_t* out, uint8_t packet_type,
                                  size_t payload_bytes) noexcept nogil   # the payload is to follow
cdef size_t soupbin_encode_data(uint8_t* out, uint8_t packet_type, const uint8_t* payload,
                                size_t payload_bytes) noexcept nogil     # S, U and debug packets
cdef size_t soupbin_encode_empty(uint8_t* out, uint8_t packet_type) noexcept nogil   # H R Z O
cdef size_t soupbin_encode_login_accepted(uint8_t* out, const char* session,
                                          uint64_t sequence_number) noexcept nogil
cdef size_t soupbin_encode_login_rejected(uint8_t* out, uint8_t reason) noexcept nogil
cdef size_t soupbin_encode_login_request(uint8_t* out,
                                         const SoupLoginRequest* login) noexcept nogil
