"""The XDP program that hands a feed to an AF_XDP socket: thirty instructions, loaded by bpf(2)
and attached by a BPF link, which the kernel drops with its last descriptor: nothing stays on the
interface when the process dies (docs/adr/0014-load-thirty-instructions-ourselves.md).

It redirects what is UDP over IPv4, without options, not a fragment, to the group and port, not too
long for a frame of the socket, and arrived on a queue that has a socket. Everything else (ARP,
IGMP, TCP, VLAN tags, fragments, other groups) goes the kernel's way, as does the feed on any other
queue. The name of the program says group and port, so that another process can tell whose feed is
taken: "f_" and both in hexadecimal digits.
"""

import os
from socket import inet_aton

from libc.errno cimport EBUSY, EINVAL, EOPNOTSUPP, EPERM, ERANGE, errno
from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memcpy

cdef extern from * nogil:
    """
    #include <arpa/inet.h>
    #include <errno.h>
    #include <linux/bpf.h>
    #include <linux/if_link.h>
    #include <linux/rtnetlink.h>
    #include <stddef.h>
    #include <string.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <unistd.h>

    static int iron_bpf(int command, union bpf_attr *attr) {
        return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
    }
    static int iron_xsk_map(unsigned entries) {
        union bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.map_type = BPF_MAP_TYPE_XSKMAP;
        attr.key_size = 4;
        attr.value_size = 4;
        attr.max_entries = entries;
        strcpy(attr.map_name, "ironpit_sockets");
        return iron_bpf(BPF_MAP_CREATE, &attr);
    }
    static int iron_xsk_map_set(int map, unsigned queue, int socket) {
        union bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.map_fd = (unsigned)map;
        attr.key = (unsigned long)&queue;
        attr.value = (unsigned long)&socket;
        return iron_bpf(BPF_MAP_UPDATE_ELEM, &attr);
    }

    /* The instructions that are used, in the words of linux/bpf.h. */
    #define LOAD(size, to, from, at) \\
        {.code = BPF_LDX | BPF_MEM | (size), .dst_reg = (to), .src_reg = (from), .off = (at)}
    #define COPY(to, from) {.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)}
    #define ADD(to, value) {.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (to), .imm = (value)}
    #define AND(to, value) {.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = (to), .imm = (value)}
    #define SET(to, value) {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (to), .imm = (value)}
    /* To the end, which passes the frame; `own`: the number of the instruction itself. */
    #define IRON_PASS 27
    #define IF_ABOVE(own, a, b) \
        {.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = (a), .src_reg = (b), \
         .off = IRON_PASS - (own) - 1}
    /* 32 bits: a 64-bit comparison would extend the sign of the value. */
    #define IF_NOT(own, a, value) \
        {.code = BPF_JMP32 | BPF_JNE | BPF_K, .dst_reg = (a), .imm = (int)(value), \
         .off = IRON_PASS - (own) - 1}

    static int iron_xdp_load(int map, uint32_t group, uint16_t port, int frame_bytes_max,
                             const char *name) {
        const struct bpf_insn program[] = {
            LOAD(BPF_W, 2, 1, offsetof(struct xdp_md, data)),
            LOAD(BPF_W, 3, 1, offsetof(struct xdp_md, data_end)),
            COPY(4, 2), ADD(4, 42), IF_ABOVE(4, 4, 3),
            COPY(4, 2), ADD(4, frame_bytes_max), IF_ABOVE(7, 3, 4),
            LOAD(BPF_H, 5, 2, 12), IF_NOT(9, 5, htons(0x0800)),
            LOAD(BPF_B, 5, 2, 14), IF_NOT(11, 5, 0x45),
            LOAD(BPF_H, 5, 2, 20), AND(5, htons(0x3FFF)), IF_NOT(14, 5, 0),
            LOAD(BPF_B, 5, 2, 23), IF_NOT(16, 5, 17),
            LOAD(BPF_W, 5, 2, 30), IF_NOT(18, 5, group),
            LOAD(BPF_H, 5, 2, 36), IF_NOT(20, 5, port),
            LOAD(BPF_W, 2, 1, offsetof(struct xdp_md, rx_queue_index)),
            {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = 1, .src_reg = BPF_PSEUDO_MAP_FD,
             .imm = map},
            {0},
            SET(3, XDP_PASS),        /* what becomes of it on a queue without a socket */
            {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
            {.code = BPF_JMP | BPF_EXIT},
            SET(0, XDP_PASS),        /* number IRON_PASS */
            {.code = BPF_JMP | BPF_EXIT},
        };
        union bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.prog_type = BPF_PROG_TYPE_XDP;
        attr.expected_attach_type = BPF_XDP;
        attr.insns = (unsigned long)program;
        attr.insn_cnt = sizeof program / sizeof program[0];
        attr.license = (unsigned long)"Apache-2.0";
        strncpy(attr.prog_name, name, sizeof attr.prog_name - 1);
        return iron_bpf(BPF_PROG_LOAD, &attr);
    }
    static int iron_xdp_link(int program, int ifindex, unsigned flags) {
        union bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.link_create.prog_fd = (unsigned)program;
        attr.link_create.target_ifindex = (unsigned)ifindex;
        attr.link_create.attach_type = BPF_XDP;
        attr.link_create.flags = flags;
        return iron_bpf(BPF_LINK_CREATE, &attr);
    }

    /* The number of the program on an interface, 0 for none, or -1: asked by rtnetlink(7). */
    static int iron_xdp_attached(int ifindex) {
        struct { struct nlmsghdr header; struct ifinfomsg link; } ask;
        _Alignas(8) char answer[16384];
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), found = -1;
        if (fd < 0) return -1;
        memset(&ask, 0, sizeof ask);
        ask.header.nlmsg_len = sizeof ask;
        ask.header.nlmsg_type = RTM_GETLINK;
        ask.header.nlmsg_flags = NLM_F_REQUEST;
        ask.link.ifi_index = ifindex;
        long bytes = send(fd, &ask, sizeof ask, 0);
        if (bytes > 0) bytes = recv(fd, answer, sizeof answer, 0);
        close(fd);
        struct nlmsghdr *header = (struct nlmsghdr *)answer;
        if (bytes <= 0 || !NLMSG_OK(header, bytes) || header->nlmsg_type != RTM_NEWLINK) return -1;
        struct rtattr *a = IFLA_RTA(NLMSG_DATA(header));
        long left = (long)header->nlmsg_len - (long)NLMSG_LENGTH(sizeof(struct ifinfomsg));
        for (found = 0; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
            if ((a->rta_type & NLA_TYPE_MASK) != IFLA_XDP) continue;
            struct rtattr *x = RTA_DATA(a);
            long inner = (long)RTA_PAYLOAD(a);
            for (; RTA_OK(x, inner); x = RTA_NEXT(x, inner))
                if (x->rta_type == IFLA_XDP_PROG_ID) memcpy(&found, RTA_DATA(x), 4);
        }
        return found;
    }
    /* A program's name by its number: 0, or -1 for whoever may not ask (CAP_SYS_ADMIN). */
    static int iron_xdp_name(int number, char name[BPF_OBJ_NAME_LEN]) {
        struct bpf_prog_info info;
        union bpf_attr attr;
        memset(&attr, 0, sizeof attr);
        attr.prog_id = (unsigned)number;
        int fd = iron_bpf(BPF_PROG_GET_FD_BY_ID, &attr);
        if (fd < 0) return -1;
        memset(&info, 0, sizeof info);
        memset(&attr, 0, sizeof attr);
        attr.info.bpf_fd = (unsigned)fd;
        attr.info.info_len = sizeof info;
        attr.info.info = (unsigned long)&info;
        int result = iron_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
        close(fd);
        if (result < 0) return -1;
        memcpy(name, info.name, BPF_OBJ_NAME_LEN);
        name[BPF_OBJ_NAME_LEN - 1] = 0;
        return 0;
    }
    """
    enum:
        XDP_FLAGS_SKB_MODE
        XDP_FLAGS_DRV_MODE
        BPF_OBJ_NAME_LEN
    int iron_xsk_map(unsigned int entries)
    int iron_xsk_map_set(int map_fd, unsigned int queue, int socket)
    int iron_xdp_load(int map_fd, uint32_t group, uint16_t port, int frame_bytes_max,
                      const char* name)
    int iron_xdp_link(int program, int ifindex, unsigned int flags)
    int iron_xdp_attached(int ifindex)
    int iron_xdp_name(int number, char* name)
    int posix_close "close"(int fd)

# What lets a process do this; the kernel says EPERM alike for any that is missing (bpf(2)).
CAPABILITIES = "CAP_NET_ADMIN and CAP_BPF are needed, or CAP_SYS_ADMIN"


def attached_program(int ifindex):
    """(number, name) of the XDP program on an interface; number 0: none. The name is empty for
    whoever may not ask for it."""
    cdef char name[16]
    cdef int number = iron_xdp_attached(ifindex)
    if number <= 0 or iron_xdp_name(number, name) < 0:
        return max(number, 0), ""
    return number, (<bytes>name).decode("ascii", "replace")


def program_name(str group, int port):
    """How the program that takes this feed is called."""
    return f"f_{inet_aton(group).hex()}_{port:04x}"


cdef object _refusal(int number, str what):
    """An OSError whose text says what was refused, and what would help."""
    reason = os.strerror(number)
    if number == EPERM:
        reason += f" ({CAPABILITIES})"
    return OSError(number, f"{what}: {reason}")


cdef class XdpProgram:
    """Loads the program for a feed, with a map of sockets for queues 0 to `queue`. Frames longer
    than `frame_bytes_max` go the kernel's way. OSError with the step that was refused."""

    def __cinit__(self, *args, **kwargs):
        self.map_fd = self.program_fd = self.link_fd = -1

    def __init__(self, str group, int port, uint32_t queue, int frame_bytes_max):
        cdef uint32_t group_wire
        cdef uint16_t port_wire
        address, number = inet_aton(group), port.to_bytes(2, "big")
        memcpy(&group_wire, <const char*>address, 4)
        memcpy(&port_wire, <const char*>number, 2)
        self.attached = ""
        self.refused = ""
        self.map_fd = iron_xsk_map(queue + 1)
        if self.map_fd < 0:
            raise _refusal(errno, "the map of sockets for the XDP program")
        name = program_name(group, port).encode("ascii")
        self.program_fd = iron_xdp_load(self.map_fd, group_wire, port_wire, frame_bytes_max, name)
        if self.program_fd < 0:
            raise _refusal(errno, "loading the XDP program")

    def insert(self, uint32_t queue, int socket_fd):
        """From now on what the program takes from this queue goes to that bound socket."""
        if iron_xsk_map_set(self.map_fd, queue, socket_fd) < 0:
            raise _refusal(errno, f"the socket's place in the XDP program, queue {queue}")

    def attach(self, int ifindex):
        """Attach the program: in the driver if it can (native), else behind it (generic)."""
        cdef int found
        self.link_fd = iron_xdp_link(self.program_fd, ifindex, XDP_FLAGS_DRV_MODE)
        if self.link_fd >= 0:
            self.attached = "native"
            return
        found = errno
        if found in (EOPNOTSUPP, EINVAL, ERANGE):
            self.refused = f"the driver refused the XDP program: {os.strerror(found)}"
            self.link_fd = iron_xdp_link(self.program_fd, ifindex, XDP_FLAGS_SKB_MODE)
            if self.link_fd >= 0:
                self.attached = "generic"
                return
            found = errno
        if found == EBUSY:
            number, name = attached_program(ifindex)
            raise OSError(EBUSY, f"XDP program {number} {name!r} is on the interface already, "
                          "and there is room for one")
        raise _refusal(found, "attaching the XDP program")

    def close(self):
        """Detach: the interface is as it was before."""
        self._close()

    def __dealloc__(self):
        self._close()

    cdef void _close(self) noexcept:
        for fd in (self.link_fd, self.program_fd, self.map_fd):
            if fd >= 0:
                posix_close(fd)
        self.link_fd = self.program_fd = self.map_fd = -1
