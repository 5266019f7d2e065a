/* A native program with ironpit's matching core in it: docs/EMBEDDING.md.
 *
 * It boots Python, takes the core's functions out of their capsule, lets go of the GIL, and does
 * everything else on a thread that never touches Python: a venue with one instrument and two
 * members, orders in batches, events out, counted, a look at the book.
 *
 *     cc -std=c11 -O2 embed.c $(python3 -m ironpit.library.embedding) -pthread -o embed
 *     ./embed 1000000
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <inttypes.h>
#include <ironpit_core.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BATCH = 4096,
    EVENTS = 4 * BATCH,
    LEVELS = 3,
    LIFE = 5000,        /* of an order: so many later ones of its member */
    ORDERS_MAX = 16384, /* live: more than both members' LIFE */
    USER_REF_BITS = 24,
    MESSAGES_MAX = 60000000 /* one in two takes a number of one of two members, below 2^24 */
};

struct run { /* what the thread works with: all of its state */
    const struct ironpit_api *api;
    struct ironpit_core *core;
    uint64_t messages;
    uint64_t accepted;
    uint64_t rejected;
    uint64_t cancelled;
    uint64_t executions;
    uint64_t executed_quantity;
    uint32_t random;
    uint32_t user_refs[3];
    int failed;
};

static const struct ironpit_limits LIMITS = {
    .instruments_max = 1,
    .sessions_max = 2,
    .orders_max = ORDERS_MAX,
    .user_ref_bits = USER_REF_BITS,
};

/* The same orders in every run: a linear congruential generator, of Numerical Recipes. */
static uint32_t next_random(struct run *run, uint32_t below) {
    run->random = run->random * 1664525u + 1013904223u;
    return (run->random >> 8) % below;
}

static int apply(struct run *run, void *command, uint32_t command_bytes) {
    const struct ironpit_event *events;
    uint32_t events_count;
    return run->api->apply(run->core, command, command_bytes, &events, &events_count);
}

static int open_venue(struct run *run) {
    struct ironpit_stream_start start = {
        .header = {.type = IRONPIT_COMMAND_STREAM_START, .record_bytes = sizeof start},
        .stream_name = "EMBEDDED  ",
        .version = IRONPIT_RECORD_VERSION,
        .instruments_max = LIMITS.instruments_max,
        .orders_max = LIMITS.orders_max,
        .sessions_max = LIMITS.sessions_max,
        .user_ref_bits = LIMITS.user_ref_bits,
    };
    struct ironpit_define_instrument instrument = {
        .header = {.type = IRONPIT_COMMAND_DEFINE_INSTRUMENT, .record_bytes = sizeof instrument},
        .symbol = "IRON    ",
        .tick_size = 100,
        .lot_size = 1,
        .price_min = 100,
        .price_max = IRONPIT_PRICE_MAX,
        .quantity_max = 999999,
        .price_decimals = 4,
    };
    int failed = apply(run, &start, sizeof start) != IRONPIT_OK ||
                 apply(run, &instrument, sizeof instrument) != IRONPIT_OK;
    for (uint32_t id = 1; id <= LIMITS.sessions_max; id++) {
        struct ironpit_define_session session = {
            .header = {.type = IRONPIT_COMMAND_DEFINE_SESSION,
                       .record_bytes = sizeof session,
                       .session = id},
            .username = "MEMBER",
            .firm = "FIRM",
        };
        failed |= apply(run, &session, sizeof session) != IRONPIT_OK;
    }
    return failed;
}

/* Members take turns: each enters a limit order around 100.00 and then cancels the one that it
 * entered LIFE orders before, if it is there still; until it has as many, it enters another. So the
 * book does not grow, and no order is rejected for want of room. */
static uint32_t write_message(struct run *run, uint64_t number, void *out) {
    uint32_t session = 1 + (uint32_t)(number % 2);
    uint32_t last = run->user_refs[session];
    if (number % 4 >= 2 && last > LIFE) {
        struct ironpit_cancel_order cancel = {
            .header = {.type = IRONPIT_COMMAND_CANCEL_ORDER,
                       .record_bytes = sizeof cancel,
                       .session = session,
                       .user_ref = last - LIFE,
                       .instrument = IRONPIT_INSTRUMENT_NONE},
        };
        memcpy(out, &cancel, sizeof cancel);
        return sizeof cancel;
    }
    struct ironpit_enter_order enter = {
        .header = {.type = IRONPIT_COMMAND_ENTER_ORDER,
                   .record_bytes = sizeof enter,
                   .session = session,
                   .user_ref = ++run->user_refs[session]},
        .quantity = 1 + next_random(run, 100),
        .side = next_random(run, 2) ? 'B' : 'S',
        .time_in_force = '0',
        .display = 'Y',
        .capacity = 'P',
        .iso = 'N',
        .cross_type = 'N',
    };
    /* Buys from 99.00 to 100.09, sells from 99.91 up: some cross. */
    enter.price = (int32_t)(enter.side == 'B' ? 990000 + 100 * next_random(run, 110)
                                                 : 999100 + 100 * next_random(run, 110));
    memcpy(out, &enter, sizeof enter);
    return sizeof enter;
}

static void take_events(struct run *run, const struct ironpit_event *events, uint64_t count) {
    for (uint64_t index = 0; index < count; index++) {
        switch (events[index].type) {
        case IRONPIT_EVENT_ACCEPTED: run->accepted++; break;
        case IRONPIT_EVENT_REJECTED: run->rejected++; break;
        case IRONPIT_EVENT_CANCELED: run->cancelled++; break;
        case IRONPIT_EVENT_EXECUTED:
            run->executions++;
            run->executed_quantity += events[index].quantity;
            break;
        default: break;
        }
    }
}

struct buffers {
    uint64_t records[BATCH * sizeof(struct ironpit_enter_order) / sizeof(uint64_t)];
    uint64_t offsets[BATCH + 1];
    uint8_t statuses[BATCH];
    uint32_t events_counts[BATCH];
    struct ironpit_event events[EVENTS];
};

static void trade(struct run *run, struct buffers *buffers) {
    uint64_t done = 0;
    while (done < run->messages) {
        uint64_t count = run->messages - done < BATCH ? run->messages - done : BATCH;
        char *records = (char *)buffers->records;
        buffers->offsets[0] = 0;
        for (uint64_t index = 0; index < count; index++) {
            uint64_t at = buffers->offsets[index];
            buffers->offsets[index + 1] = at + write_message(run, done + index, records + at);
        }
        struct ironpit_batch batch = {
            .records = records,
            .offsets = buffers->offsets,
            .count = count,
            .statuses = buffers->statuses,
            .events_counts = buffers->events_counts,
            .events = buffers->events,
            .events_max = EVENTS,
        };
        int status;
        do {
            status = run->api->submit(run->core, &batch);
            take_events(run, batch.events, batch.events_count);
            batch.events_count = 0;
            if (status == IRONPIT_FULL) { /* what waits may be more than the array holds */
                uint64_t drained;
                while ((drained = run->api->drain(run->core, batch.events, EVENTS)) != 0) {
                    take_events(run, batch.events, drained);
                }
            }
        } while (status == IRONPIT_FULL);
        done += count;
    }
}

static void *venue_main(void *argument) {
    struct run *run = argument;
    struct buffers *buffers = malloc(sizeof *buffers);
    run->core = run->api->create(&LIMITS);
    run->failed = buffers == NULL || run->core == NULL || open_venue(run);
    if (!run->failed) {
        trade(run, buffers);
    }
    free(buffers);
    return NULL;
}

static void show_book(const struct run *run) {
    const char sides[] = "BS";
    for (int side = 0; side < 2; side++) {
        struct ironpit_level levels[LEVELS];
        uint32_t count =
            run->api->depth(run->core, 0, (uint8_t)sides[side], levels, LEVELS);
        for (uint32_t index = 0; index < count; index++) {
            printf("%c %" PRId32 ".%04" PRId32 " x %" PRIu64 " in %" PRIu32 " orders\n",
                   sides[side], levels[index].price / 10000, levels[index].price % 10000,
                   levels[index].quantity, levels[index].orders);
        }
    }
}

/* The number of messages, or 0: strtoull alone takes "-5" and "abc" for numbers. */
static uint64_t messages_of(const char *text) {
    char *end;
    uint64_t found = strtoull(text, &end, 10);
    int is_number = text[0] >= '0' && text[0] <= '9' && *end == '\0';
    return is_number && found <= MESSAGES_MAX ? found : 0;
}

int main(int argc, char **argv) {
    struct run run = {.messages = argc > 1 ? messages_of(argv[1]) : 100000, .random = 1};
    pthread_t thread;

    if (argc > 2 || run.messages == 0) {
        fprintf(stderr, "usage: embed [MESSAGES], a number from 1 to %d\n", MESSAGES_MAX);
        return 2;
    }
    Py_Initialize();
    run.api = ironpit_import();
    if (run.api == NULL) {
        PyErr_Print();
        return 1;
    }
    PyThreadState *python = PyEval_SaveThread(); /* the GIL is free: Python may do as it likes */

    if (pthread_create(&thread, NULL, venue_main, &run) != 0) {
        return 1;
    }
    pthread_join(thread, NULL);
    if (run.failed) {
        fprintf(stderr, "embed: the venue could not be opened\n");
        return 1;
    }
    printf("%" PRIu64 " messages: %" PRIu64 " orders accepted, %" PRIu64 " rejected, %" PRIu64
           " cancelled\n",
           run.messages, run.accepted, run.rejected, run.cancelled);
    printf("%" PRIu64 " executions of %" PRIu64 " together\n", run.executions,
           run.executed_quantity);
    show_book(&run);
    run.api->destroy(run.core);

    PyEval_RestoreThread(python);
    return Py_FinalizeEx() < 0;
}
