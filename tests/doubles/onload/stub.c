/* libonload_ext.so.1: what a program is linked against. Every answer is that of a host without
 * Onload, and every definition is weak: a preloaded libonload.so is found first. */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>

unsigned onload_ext_version[3] = {1, 2, 0};

#define STUB(name, value)                                                                         \
    __attribute__((weak)) int name(void) { return value; }
#define STUB_ERRNO(name, reason)                                                                  \
    __attribute__((weak)) int name(void) {                                                        \
        errno = reason;                                                                           \
        return -1;                                                                                \
    }

STUB(onload_is_present, 0)
STUB(onload_fd_stat, 0)
STUB(onload_fd_check_feature, -ENOSYS)
STUB(onload_set_stackname, 0)
STUB(onload_stackname_save, 0)
STUB(onload_stackname_restore, 0)
STUB(onload_stack_opt_set_int, 0)
STUB(onload_stack_opt_get_int, -ENOSYS)
STUB(onload_stack_opt_set_str, 0)
STUB(onload_stack_opt_get_str, -ENOSYS)
STUB(onload_stack_opt_reset, 0)
STUB(onload_thread_set_spin, 0)
STUB(onload_thread_get_spin, -ENOSYS)
STUB(onload_move_fd, 0)
STUB(onload_ordered_epoll_wait, -ENOSYS)
STUB(onload_timestamping_request, -ENOSYS)
STUB_ERRNO(onload_get_tcp_info, EINVAL)
STUB(onload_delegated_send_prepare, 1)
STUB_ERRNO(onload_delegated_send_complete, ENOSYS)
STUB_ERRNO(onload_delegated_send_cancel, ENOSYS)
STUB(onload_zc_await_stack_sync, 0)
STUB(onload_zc_alloc_buffers, -ENOSYS)
STUB(onload_zc_release_buffers, -ENOSYS)
STUB(onload_zc_recv, -ENOSYS)
STUB(onload_recvmsg_kernel, -ENOSYS)
STUB(onload_zc_send, -ENOSYS)
STUB(onload_set_recv_filter, -ENOSYS)
STUB(onload_msg_template_alloc, -ENOSYS)
STUB(onload_msg_template_update, -ENOSYS)
STUB(onload_msg_template_abort, -ENOSYS)
STUB_ERRNO(oo_raw_send, ENOSYS)

#define STUB_SOCKET(name)                                                                         \
    __attribute__((weak)) int name(int domain, int type, int protocol) {                          \
        return socket(domain, type, protocol);                                                    \
    }

STUB_SOCKET(onload_socket_nonaccel)
STUB_SOCKET(onload_socket_unicast_nonaccel)
STUB_SOCKET(onload_socket_rx_nonaccel)
