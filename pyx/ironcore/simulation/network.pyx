"""A network between simulated members and subscribers, and the stages.

Connections deliver late, in pieces, accept less than is offered, and break; bytes that were on
their way when a side went may arrive up to some point, in order. Datagrams are lost, repeated,
overtaken, and refused when they are sent.
"""

from libc.errno cimport EAGAIN, EBADF, ECONNRESET, EIO, ENOBUFS, EPIPE
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memmove, memset

from ironcore.net.sockets cimport Network
from ironcore.simulation.world cimport (
    CRASH_NONE, World, chance_below, chance_hits, world_crashed,
)

cdef enum:
    ODDS_EVEN = 500


cdef void net_open(Net* net, World* world) noexcept nogil:
    memset(net, 0, sizeof(net[0]))
    net.world = world


cdef uint32_t _put(World* world, Pipe* pipe, const uint8_t* buffer, uint64_t bytes) noexcept nogil:
    """As many bytes as go into the pipe now."""
    cdef uint32_t used = pipe.end - pipe.start
    cdef uint32_t count = <uint32_t>min(bytes, <uint64_t>(PIPE_BYTES - used))
    if count == 0 or chance_hits(world, world.odds.late):
        return 0
    if chance_hits(world, world.odds.short_transfer):
        count = 1 + <uint32_t>chance_below(world, count)
    if pipe.start:
        memmove(pipe.data, pipe.data + pipe.start, used)
        pipe.start = 0
        pipe.end = used
    memcpy(pipe.data + pipe.end, buffer, count)
    pipe.end += count
    return count


cdef uint32_t _take(World* world, Pipe* pipe, uint8_t* buffer, uint64_t bytes) noexcept nogil:
    cdef uint32_t count = <uint32_t>min(bytes, <uint64_t>(pipe.end - pipe.start))
    if count == 0 or chance_hits(world, world.odds.late):
        return 0
    if chance_hits(world, world.odds.short_transfer):
        count = 1 + <uint32_t>chance_below(world, count)
    memcpy(buffer, pipe.data + pipe.start, count)
    pipe.start += count
    return count


cdef void _cut_short(World* world, Pipe* pipe) noexcept nogil:
    """Of what is on its way only some first part will arrive."""
    pipe.end = pipe.start + <uint32_t>chance_below(world, pipe.end - pipe.start + 1)


cdef Link* _link(Net* net, int fd) noexcept nogil:
    cdef int number = fd - LINK_FD_FIRST
    return &net.links[number] if 0 <= number < LINKS_MAX else NULL


cdef int net_connect(Net* net, int gateway) noexcept nogil:
    cdef int i
    if not net.listening[gateway]:
        return -1
    for i in range(LINKS_MAX):
        if net.links[i].state == LINK_FREE:
            memset(&net.links[i], 0, sizeof(Link))
            net.links[i].state = LINK_OFFERED
            net.links[i].gateway = gateway
            return i
    return -1


cdef long net_member_send(Net* net, int number, const uint8_t* buffer,
                          uint32_t bytes) noexcept nogil:
    cdef Link* link = &net.links[number]
    if link.broken or link.venue_closed:
        return -1
    return _put(net.world, &link.to_venue, buffer, bytes)


cdef long net_member_receive(Net* net, int number, uint8_t* buffer, uint32_t bytes) noexcept nogil:
    cdef Link* link = &net.links[number]
    if link.broken:
        return -1
    if link.venue_closed and link.to_member.start == link.to_member.end:
        return -1
    return _take(net.world, &link.to_member, buffer, bytes)


cdef void net_member_close(Net* net, int number) noexcept nogil:
    cdef Link* link = &net.links[number]
    link.member_closed = True
    _cut_short(net.world, &link.to_venue)
    if link.venue_closed or link.state == LINK_OFFERED:
        link.state = LINK_FREE


cdef void net_member_abandon(Net* net, int number) noexcept nogil:
    cdef Link* link = &net.links[number]
    link.abandoned = True
    _cut_short(net.world, &link.to_venue)
    if link.venue_closed:
        link.state = LINK_FREE


cdef void net_break_one(Net* net) noexcept nogil:
    cdef Link* link = &net.links[chance_below(net.world, LINKS_MAX)]
    if link.state == LINK_OPEN:
        link.broken = True


cdef void net_gateway_gone(Net* net, int gateway) noexcept nogil:
    cdef Link* link
    cdef int i
    net.listening[gateway] = False
    for i in range(LINKS_MAX):
        link = &net.links[i]
        if link.state == LINK_FREE or link.venue_closed or link.gateway != gateway:
            continue
        _venue_closes(net, link)


cdef int net_connections(const Net* net, int gateway) noexcept nogil:
    cdef const Link* link
    cdef int i
    cdef int count = 0
    for i in range(LINKS_MAX):
        link = &net.links[i]
        count += link.state == LINK_OPEN and not link.venue_closed and link.gateway == gateway
    return count


cdef void _venue_closes(Net* net, Link* link) noexcept nogil:
    link.venue_closed = True
    link.watched = False
    _cut_short(net.world, &link.to_member)
    if link.member_closed or link.abandoned:
        link.state = LINK_FREE


cdef void _enqueue(World* world, DatagramQueue* queue, const uint8_t* data,
                   size_t bytes) noexcept nogil:
    cdef uint32_t copies = 2 if chance_hits(world, world.odds.datagram_repeated) else 1
    cdef Datagram* place
    while copies and queue.count < DATAGRAMS_MAX:
        copies -= 1
        if chance_hits(world, world.odds.datagram_lost):
            continue
        place = &queue.datagrams[queue.count]
        if queue.count and chance_hits(world, world.odds.datagram_swapped):
            place[0] = queue.datagrams[queue.count - 1]
            place -= 1
        memcpy(place.data, data, bytes)
        place.bytes = <uint32_t>bytes
        queue.count += 1


cdef uint32_t _dequeue(World* world, DatagramQueue* queue, uint8_t* data) noexcept nogil:
    cdef uint32_t bytes
    if queue.count == 0 or chance_hits(world, world.odds.late):
        return 0
    bytes = queue.datagrams[0].bytes
    memcpy(data, queue.datagrams[0].data, bytes)
    queue.count -= 1
    memmove(&queue.datagrams[0], &queue.datagrams[1], queue.count * sizeof(Datagram))
    return bytes


cdef uint32_t net_subscriber_receive(Net* net, uint8_t* buffer) noexcept nogil:
    return _dequeue(net.world, &net.feed, buffer)


cdef void net_subscriber_request(Net* net, const uint8_t* request, uint32_t bytes) noexcept nogil:
    _enqueue(net.world, &net.requests, request, bytes)


cdef inline bint _is_offered(const Link* link, int gateway) noexcept nogil:
    return link.state == LINK_OFFERED and not link.venue_closed and link.gateway == gateway


cdef int _accept(void* context, int listener, uint32_t* address) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef int i
    address[0] = MEMBERS_ADDRESS     # all of them come from one host
    if world_crashed(net.world):
        return -EAGAIN
    for i in range(LINKS_MAX):
        if _is_offered(&net.links[i], listener - LISTENER_FD):
            net.links[i].state = LINK_OPEN
            return LINK_FD_FIRST + i
    return -EAGAIN


cdef long _recv(void* context, int fd, uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef Link* link = _link(net, fd)
    cdef uint32_t count
    if link == NULL:
        return -EBADF
    if world_crashed(net.world):
        return -EAGAIN
    if link.broken:
        return -ECONNRESET
    if link.to_venue.start == link.to_venue.end and link.member_closed:
        return 0
    count = _take(net.world, &link.to_venue, buffer, bytes)
    return <long>count if count else <long>-EAGAIN


cdef long _send(void* context, int fd, const uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef Link* link = _link(net, fd)
    cdef uint32_t count
    if link == NULL:
        return -EBADF
    if world_crashed(net.world):
        return -EAGAIN
    if link.broken:
        return -ECONNRESET
    if link.member_closed:
        return -EPIPE
    count = _put(net.world, &link.to_member, buffer, bytes)
    return <long>count if count else <long>-EAGAIN


cdef int _send_datagram(void* context, int fd, const uint8_t* buffer, size_t bytes) noexcept nogil:
    cdef Net* net = <Net*>context
    if world_crashed(net.world):
        return -EIO
    if chance_hits(net.world, net.world.odds.datagram_refused):
        return -EAGAIN if chance_hits(net.world, ODDS_EVEN) else -ENOBUFS
    _enqueue(net.world, &net.feed, buffer, bytes)
    return 0


cdef long _recv_datagram(void* context, int fd, uint8_t* buffer, size_t bytes,
                         uint32_t* address, uint16_t* port) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef uint8_t data[DATAGRAM_BYTES_MAX]
    cdef uint32_t count
    if world_crashed(net.world):
        return -EAGAIN
    count = _dequeue(net.world, &net.requests, data)
    if count == 0:
        return -EAGAIN
    address[0] = 0x7F000001
    port[0] = 1
    count = min(count, <uint32_t>bytes)
    memcpy(buffer, data, count)
    return count


cdef int _send_datagram_to(void* context, int fd, const uint8_t* buffer, size_t bytes,
                           uint32_t address, uint16_t port) noexcept nogil:
    return _send_datagram(context, fd, buffer, bytes)


cdef void _close(void* context, int fd) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef Link* link = _link(net, fd)
    if link != NULL and link.state != LINK_FREE and not link.venue_closed:
        _venue_closes(net, link)


cdef int _poll_ready(void* context, int poller, int* ready, int ready_max) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef Link* link
    cdef int gateway = poller - POLLER_FD
    cdef bint offered = False
    cdef int count = 0
    cdef int i
    if net.world.crashed != CRASH_NONE:
        return 0
    for i in range(LINKS_MAX):
        link = &net.links[i]
        offered = offered or _is_offered(link, gateway)
        if (link.watched and link.gateway == gateway and count < ready_max - 1
                and (link.broken or link.member_closed or link.to_venue.start != link.to_venue.end)
                and not chance_hits(net.world, net.world.odds.late)):
            ready[count] = LINK_FD_FIRST + i
            count += 1
    if offered:
        ready[count] = LISTENER_FD + gateway
        count += 1
    return count


cdef int _watch(void* context, int poller, int fd) noexcept nogil:
    cdef Net* net = <Net*>context
    cdef Link* link = _link(net, fd)
    if link != NULL:
        link.watched = True
    elif LISTENER_FD <= fd < LISTENER_FD + GATEWAYS_MAX:
        net.listening[fd - LISTENER_FD] = True
    return 0


cdef int _unwatch(void* context, int poller, int fd) noexcept nogil:
    cdef Link* link = _link(<Net*>context, fd)
    if link != NULL:
        link.watched = False
    return 0


cdef class SimulatedNetwork(Network):
    """A simulated network, as the stages take it."""

    def __cinit__(self):
        self.net = <Net*>calloc(1, sizeof(Net))
        if self.net == NULL:
            raise MemoryError
        self.sockets.context = self.net
        self.sockets.accept = _accept
        self.sockets.recv = _recv
        self.sockets.send = _send
        self.sockets.send_datagram = _send_datagram
        self.sockets.recv_datagram = _recv_datagram
        self.sockets.send_datagram_to = _send_datagram_to
        self.sockets.close = _close
        self.sockets.poll_ready = _poll_ready
        self.sockets.watch = _watch
        self.sockets.unwatch = _unwatch

    def __dealloc__(self):
        free(self.net)

    cdef int open_poller(self) noexcept:
        return POLLER_FD + self.gateway
