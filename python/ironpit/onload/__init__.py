"""Onload, the kernel bypass for Solarflare cards: its extension API, its settings and its truth.

`library` finds it, `descriptors`, `stacks`, `delegated_send`, `zero_copy` and `ordered_epoll` wrap
its functions, `truth` says of a socket whether it is accelerated, `options` and `launch` start a
process under it. Every failure is an OnloadError of `errors`.
"""
