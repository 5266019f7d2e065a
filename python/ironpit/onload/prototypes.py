"""Every function of Onload's extension API 1.2.0: result and arguments, as its headers have them.

`SINCE_MINOR` is the version of the extension library that these prototypes belong to.
"""

import ctypes
from typing import Any, NamedTuple

from ironpit.onload import layouts

MAJOR, SINCE_MINOR = 1, 2

c_int, c_uint, c_void_p, c_char_p = ctypes.c_int, ctypes.c_uint, ctypes.c_void_p, ctypes.c_char_p
pointer = ctypes.POINTER

# int (*)(struct onload_zc_recv_args*, int flags)
RECEIVE_CALLBACK = ctypes.CFUNCTYPE(c_int, pointer(layouts.ZeroCopyReceive), c_int)
# int (*)(struct onload_zc_msg*, void* arg, int flags)
FILTER_CALLBACK = ctypes.CFUNCTYPE(c_int, pointer(layouts.ZeroCopyMessage), c_void_p, c_int)


class Prototype(NamedTuple):
    """A function's result is an int; `by_errno`: it fails with -1 and errno, not with -errno."""

    arguments: tuple[Any, ...]
    by_errno: bool = False


PROTOTYPES: dict[str, Prototype] = {
    "onload_is_present": Prototype(()),
    "onload_fd_stat": Prototype((c_int, pointer(layouts.Stat))),
    "onload_fd_check_feature": Prototype((c_int, c_int)),
    "onload_set_stackname": Prototype((c_int, c_int, c_char_p), by_errno=True),
    "onload_stackname_save": Prototype(()),
    "onload_stackname_restore": Prototype(()),
    "onload_stack_opt_set_int": Prototype((c_char_p, ctypes.c_int64)),
    "onload_stack_opt_get_int": Prototype((c_char_p, pointer(ctypes.c_int64))),
    "onload_stack_opt_set_str": Prototype((c_char_p, c_char_p)),
    "onload_stack_opt_get_str": Prototype((c_char_p, c_char_p, pointer(ctypes.c_size_t))),
    "onload_stack_opt_reset": Prototype(()),
    "onload_thread_set_spin": Prototype((c_int, c_int)),
    "onload_thread_get_spin": Prototype((pointer(c_uint),)),
    "onload_move_fd": Prototype((c_int,)),
    "onload_ordered_epoll_wait": Prototype(
        (
            c_int,
            pointer(layouts.EpollEvent),
            pointer(layouts.OrderedEpollEvent),
            c_int,
            c_int,
        )
    ),
    "onload_timestamping_request": Prototype((c_int, c_uint)),
    "onload_get_tcp_info": Prototype(
        (c_int, pointer(layouts.TcpInfo), pointer(c_int)), by_errno=True
    ),
    "onload_delegated_send_prepare": Prototype(
        (c_int, c_int, c_uint, pointer(layouts.DelegatedSend))
    ),
    "onload_delegated_send_complete": Prototype(
        (c_int, pointer(layouts.Iovec), c_int, c_int), by_errno=True
    ),
    "onload_delegated_send_cancel": Prototype((c_int,), by_errno=True),
    "onload_zc_await_stack_sync": Prototype((c_int,)),
    "onload_zc_alloc_buffers": Prototype((c_int, pointer(layouts.ZeroCopyIovec), c_int, c_int)),
    "onload_zc_release_buffers": Prototype((c_int, pointer(c_void_p), c_int)),
    "onload_zc_recv": Prototype((c_int, pointer(layouts.ZeroCopyReceive))),
    "onload_recvmsg_kernel": Prototype((c_int, pointer(layouts.MessageHeader), c_int)),
    "onload_zc_send": Prototype((pointer(layouts.ZeroCopySend), c_int, c_int)),
    "onload_set_recv_filter": Prototype((c_int, FILTER_CALLBACK, c_void_p, c_int)),
    "onload_msg_template_alloc": Prototype(
        (c_int, pointer(layouts.Iovec), c_int, pointer(c_void_p), c_uint)
    ),
    "onload_msg_template_update": Prototype(
        (c_int, c_void_p, pointer(layouts.TemplateUpdate), c_int, c_uint)
    ),
    "onload_msg_template_abort": Prototype((c_int, c_void_p)),
    "onload_socket_nonaccel": Prototype((c_int, c_int, c_int), by_errno=True),
    "onload_socket_unicast_nonaccel": Prototype((c_int, c_int, c_int), by_errno=True),
    "onload_socket_rx_nonaccel": Prototype((c_int, c_int, c_int), by_errno=True),
    "oo_raw_send": Prototype((c_int, c_int, pointer(layouts.Iovec), c_int), by_errno=True),
}
