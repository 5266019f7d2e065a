/* The smallest peer of `ironpit bench match --compare`: it speaks the protocol of docs/COMPARE.md
 * and matches nothing. It counts what it is sent as if every order rested for ever. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HELLO = 1, LOAD_ORDERS, LOAD_ITCH, RUN };
enum { QUEUED, ONE_AT_A_TIME, QUEUED_TIMED, ONE_AT_A_TIME_TIMED };
enum { OK, UNSUPPORTED };
enum { LATENCIES = 65536 };

struct request {
    char magic[4];
    uint32_t kind;
    uint64_t payload_bytes, messages, opening;
    uint32_t instruments, way;
    uint64_t orders_max, reserved[2];
};

struct reply {
    char magic[4];
    uint32_t status;
    uint64_t payload_bytes, messages, elapsed_ns, cpu_ns;
    uint64_t executions, executed_quantity, orders_live, memory_bytes;
};

struct message {
    uint8_t kind, side, immediate, reserved;
    uint32_t instrument;
    uint64_t order;
    uint32_t quantity;
    int32_t price;
    uint64_t padding;
};

_Static_assert(sizeof(struct request) == 64, "the protocol");
_Static_assert(sizeof(struct reply) == 72, "the protocol");
_Static_assert(sizeof(struct message) == 32, "the protocol");

static struct message *messages;
static struct request loaded;
static uint32_t latencies[LATENCIES];

static uint64_t clock_ns(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void apply(const struct message *message, struct reply *reply) {
    if (message->kind == 'A' && !message->immediate)
        reply->orders_live++;
    else if (message->kind == 'C')
        reply->orders_live--;
}

static void run(uint32_t way, struct reply *reply) {
    uint64_t start = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    uint64_t before = start, now;
    memset(latencies, 0, sizeof latencies);
    for (uint64_t i = 0; i < loaded.messages; i++) {
        apply(&messages[i], reply);
        if (i < loaded.opening || way < QUEUED_TIMED)
            continue;
        now = clock_ns(CLOCK_MONOTONIC);
        latencies[now - before < LATENCIES ? now - before : LATENCIES - 1]++;
        before = now;
    }
    reply->messages = loaded.messages - loaded.opening;
    reply->elapsed_ns = clock_ns(CLOCK_MONOTONIC) - start;
    reply->cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu;
    reply->payload_bytes = way >= QUEUED_TIMED ? sizeof latencies : 0;
}

static int load(const struct request *request) {
    uint64_t head = 4 * (uint64_t)(request->instruments + request->instruments % 2);
    char *payload = malloc(request->payload_bytes);
    if (payload == NULL || fread(payload, 1, request->payload_bytes, stdin)
                               != request->payload_bytes)
        return 0;
    if (request->payload_bytes != head + request->messages * sizeof *messages)
        return 0;
    messages = (struct message *)(payload + head);
    loaded = *request;
    return 1;
}

static int skip(uint64_t bytes) {
    while (bytes && getchar() != EOF)
        bytes--;
    return bytes == 0;
}

int main(void) {
    static const char name[] = "counting peer";
    struct request request;
    while (fread(&request, sizeof request, 1, stdin) == 1) {
        struct reply reply = {.magic = "IPM1", .status = OK};
        const void *payload = latencies;
        if (memcmp(request.magic, "IPM1", 4) != 0)
            return 1;
        if (request.kind == HELLO) {
            payload = name;
            reply.payload_bytes = sizeof name - 1;
        } else if (request.kind == LOAD_ORDERS) {
            if (!load(&request))
                return 1;
        } else if (request.kind == LOAD_ITCH) {
            reply.status = UNSUPPORTED;
            if (!skip(request.payload_bytes))
                return 1;
        } else {
            run(request.way, &reply);
        }
        fwrite(&reply, sizeof reply, 1, stdout);
        fwrite(payload, 1, reply.payload_bytes, stdout);
        fflush(stdout);
    }
    return 0;
}
