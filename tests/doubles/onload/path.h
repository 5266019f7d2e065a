/* The memory of one connection, shared by its two ends: a ring of bytes each way. */
#ifndef ONLOAD_DOUBLE_PATH_H
#define ONLOAD_DOUBLE_PATH_H

#include "double.h"

enum { PATH_MAGIC = 0x4F4E4C44, PATH_LINE = 128, PATH_DATA_OFFSET = 4096 };

/* Written by one end, read by the other; indices count bytes from the beginning of time. */
struct path_ring {
    _Atomic uint64_t written;
    uint8_t pad_written[PATH_LINE - 8];
    _Atomic uint64_t read;
    uint8_t pad_read[PATH_LINE - 8];
};

/* What one end has done, as TCP would have told the other. */
struct path_side {
    _Atomic uint32_t finished; /* FIN: nothing more will be written */
    _Atomic uint32_t closed;   /* nobody reads any more */
    _Atomic uint32_t reset;    /* RST */
    _Atomic uint32_t sleeping; /* threads that wait in the kernel for the doorbell */
    uint8_t pad[PATH_LINE - 16];
};

struct path_memory {
    uint32_t magic, ring_bytes;
    uint8_t pad[PATH_LINE - 8];
    struct path_side side[2];
    struct path_ring ring[2]; /* ring[i] is written by side i */
};
_Static_assert(sizeof(struct path_memory) <= PATH_DATA_OFFSET, "the data is after the header");

struct path {
    struct path_memory *memory;
    size_t memory_bytes;
    int self; /* which side this end is */
    int control;
    uint64_t mask;
    uint8_t *data[2];
    bool reading_shut, reset_told;
    atomic_bool connecting;
};

#endif
