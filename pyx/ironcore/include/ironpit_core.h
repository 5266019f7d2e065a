/* The matching core for native programs: docs/EMBEDDING.md.
 *
 * A program takes `struct ironpit_api` out of a capsule of the Python module
 * ironcore.library.capsule and calls its functions from then on without Python: none of them needs
 * the GIL, raises, does I/O or reads a clock, and what a core knows is behind its pointer alone. A
 * core is for one thread at a time; any number of cores may be in use at once.
 *
 * Commands go in as records, events come out (ironpit_records.h). What each does is in
 * docs/MATCHING_RULES.md; time is the caller's, in CLOCK.
 */
#ifndef IRONPIT_CORE_H
#define IRONPIT_CORE_H

#include "ironpit_records.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IRONPIT_CAPSULE_MODULE "ironcore.library.capsule"
#define IRONPIT_CAPSULE_NAME "ironcore.library.capsule.api"

enum {
    /* Of this header. A core of another version has another layout: do not use it. Functions that
     * are added at the end of ironpit_api leave the version and raise struct_bytes. */
    IRONPIT_ABI_VERSION = 1
};

/* What a function returns. */
enum ironpit_status {
    IRONPIT_OK = 0,        /* of a command: it is part of the stream, perhaps rejected */
    IRONPIT_EMPTY = 1,     /* there is no such order or level */
    IRONPIT_FULL = 2,      /* no room for the events: take them, and go on */
    IRONPIT_MALFORMED = 4, /* of a command: no valid record, or out of place; no effect. Of
                            * `level`: a side that is neither 'B' nor 'S' */
    IRONPIT_IGNORED = 12,  /* of a command: valid, without effect */
    IRONPIT_LATER = 15     /* of a command: CONTINUE comes first; no effect. Only where STREAM_START
                            * limits a step */
};

/* What the functions take and give besides. */

struct ironpit_limits {       /* reserved by `create`; the same in STREAM_START */
    uint32_t instruments_max; /* 1 to 65,535 */
    uint32_t sessions_max;    /* (sessions_max + 1) << user_ref_bits is below 2^32 */
    uint32_t orders_max;      /* live orders, all books together: 1 to 4,194,303 */
    uint32_t user_ref_bits;   /* 1 to 30; a session's UserRefNums are below 2^user_ref_bits */
};
IRONPIT_SIZE(ironpit_limits, 16);
IRONPIT_AT(ironpit_limits, sessions_max, 4);
IRONPIT_AT(ironpit_limits, orders_max, 8);
IRONPIT_AT(ironpit_limits, user_ref_bits, 12);

enum ironpit_prefetch {
    IRONPIT_PREFETCH_ADAPTIVE = 0, /* when the books are large enough for it to pay */
    IRONPIT_PREFETCH_ALWAYS = 1,
    IRONPIT_PREFETCH_NEVER = 2
};

struct ironpit_batch {
    void *records;           /* one after the other, 8-byte aligned; `instrument` is filled in */
    const uint64_t *offsets; /* of each record, and the end: count + 1 */
    uint64_t count;
    uint64_t applied; /* start with 0: commands done */
    uint8_t *statuses;       /* count: enum ironpit_status of each */
    uint32_t *events_counts; /* count: events of each that went to `events` */
    struct ironpit_event *events;
    uint64_t events_count; /* start with 0: how many there are in `events` */
    uint64_t events_max;
    uint32_t prefetch; /* enum ironpit_prefetch */
    uint32_t reserved;
};
IRONPIT_SIZE(ironpit_batch, 80);

struct ironpit_level {
    int32_t price;
    uint32_t orders;
    uint64_t quantity; /* displayed, of them all */
};
IRONPIT_SIZE(ironpit_level, 16);
IRONPIT_AT(ironpit_level, quantity, 8);

enum ironpit_order_place {
    IRONPIT_PLACE_SHOWN = 0,          /* on the visible book */
    IRONPIT_PLACE_HIDDEN = 1,
    IRONPIT_PLACE_STOPS = 2,          /* dormant, until its stop price is reached */
    IRONPIT_PLACE_WAITING = 3,        /* with a limit, for its auction */
    IRONPIT_PLACE_WAITING_MARKET = 4, /* without one */
    IRONPIT_PLACE_PARKED = 5          /* a peg without a price */
};

struct ironpit_order {
    uint64_t order_ref;
    uint32_t slot;
    uint32_t instrument;
    uint32_t displayed; /* open and displayed; of a hidden order 0 */
    uint32_t open;      /* all of it */
    uint32_t executed;  /* by the order and those that it replaced */
    int32_t price;   /* where it rests; else as entered */
    uint8_t side;
    uint8_t place; /* enum ironpit_order_place */
    uint8_t reserved[6];
};
IRONPIT_SIZE(ironpit_order, 40);
IRONPIT_AT(ironpit_order, slot, 8);
IRONPIT_AT(ironpit_order, instrument, 12);
IRONPIT_AT(ironpit_order, displayed, 16);
IRONPIT_AT(ironpit_order, open, 20);
IRONPIT_AT(ironpit_order, executed, 24);
IRONPIT_AT(ironpit_order, price, 28);
IRONPIT_AT(ironpit_order, side, 32);
IRONPIT_AT(ironpit_order, place, 33);

struct ironpit_core; /* books, sessions, orders */

struct ironpit_api {
    uint32_t abi_version;    /* IRONPIT_ABI_VERSION */
    uint32_t struct_bytes;   /* of this struct in the core that gave it */
    uint32_t record_version; /* IRONPIT_RECORD_VERSION */
    uint32_t reserved;

    /* NULL, with errno EINVAL for limits out of range or ENOMEM. Not yet started: apply or submit
     * STREAM_START first. */
    struct ironpit_core *(*create)(const struct ironpit_limits *limits);
    void (*destroy)(struct ironpit_core *core);

    /* One command, 8-byte aligned. *events points into the core and is good until its next call.
     * IRONPIT_FULL, nothing done and no events: those of a batch wait still, drain them first. */
    int (*apply)(struct ironpit_core *core, void *command, uint32_t command_bytes,
                 const struct ironpit_event **events, uint32_t *events_count);

    /* Many commands, their memory touched ahead. IRONPIT_OK: all are applied. IRONPIT_FULL: the
     * events of command number `applied - 1` do not fit behind `events_count`; take what is there,
     * set events_count to 0 and submit the same batch again, and if they do not fit an empty array
     * either, drain first. */
    int (*submit)(struct ironpit_core *core, struct ironpit_batch *batch);
    /* Up to events_max of the events that wait after IRONPIT_FULL, in order; 0: there are none.
     * A batch goes on once all are taken. */
    uint64_t (*drain)(struct ironpit_core *core, struct ironpit_event *events,
                      uint64_t events_max);

    /* The best displayed levels of side 'B' or 'S', best first; how many there were, at most
     * levels_max. Another side: 0, with errno EINVAL. */
    uint32_t (*depth)(struct ironpit_core *core, uint32_t instrument, uint8_t side,
                      struct ironpit_level *levels, uint32_t levels_max);
    /* The displayed level at this price: IRONPIT_OK, or IRONPIT_EMPTY, with *level written over
     * perhaps. It walks from the best level to the price: as long as there are levels in between.
     * IRONPIT_MALFORMED for a side that is neither 'B' nor 'S'. */
    int (*level)(struct ironpit_core *core, uint32_t instrument, uint8_t side, int32_t price,
                 struct ironpit_level *level);
    /* A live order by its owner's number: IRONPIT_OK or IRONPIT_EMPTY. */
    int (*order)(struct ironpit_core *core, uint32_t session, uint32_t user_ref,
                 struct ironpit_order *order);

    /* The whole state, for `load` of the same build: the bytes that it takes, written to out when
     * they are no more than bytes_max. */
    uint64_t (*save)(struct ironpit_core *core, void *out, uint64_t bytes_max);
    /* NULL with errno EINVAL for bytes that are damaged or of another layout, or ENOMEM. */
    struct ironpit_core *(*load)(const void *saved, uint64_t bytes);
};
IRONPIT_ASSERT(sizeof(void *) != 8 || sizeof(struct ironpit_api) == 96, "size of ironpit_api");
IRONPIT_AT(ironpit_api, struct_bytes, 4);
IRONPIT_AT(ironpit_api, create, 16);

#ifdef Py_PYTHON_H
/* With the GIL held, after Python.h: the functions, or NULL with a Python exception set. */
static inline const struct ironpit_api *ironpit_import(void) {
    const struct ironpit_api *api;
    PyObject *module = PyImport_ImportModule(IRONPIT_CAPSULE_MODULE);
    if (module == NULL) {
        return NULL;
    }
    Py_DECREF(module); /* sys.modules keeps it */
    api = (const struct ironpit_api *)PyCapsule_Import(IRONPIT_CAPSULE_NAME, 0);
    if (api != NULL && (api->abi_version != IRONPIT_ABI_VERSION ||
                        api->record_version != IRONPIT_RECORD_VERSION ||
                        api->struct_bytes < sizeof(struct ironpit_api))) {
        PyErr_Format(PyExc_ImportError,
                     "ironpit core: found ABI %u, records %u and %u bytes, expected %d, %d and %u",
                     api->abi_version, api->record_version, api->struct_bytes,
                     IRONPIT_ABI_VERSION, IRONPIT_RECORD_VERSION,
                     (unsigned)sizeof(struct ironpit_api));
        return NULL;
    }
    return api;
}
#endif

#ifdef __cplusplus
}
#endif
#endif
