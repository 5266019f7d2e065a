/* Options of the stacks that a thread will make: onload_stack_opt_*, with their ranges. The
 * options of a process (EF_UL_EPOLL, EF_STACK_PER_THREAD, EF_*_SPIN ...) are not among them. */
#include "double.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int64_t initial, lowest, highest;
} numbers[] = {
    [OPTION_TCP_CLIENT_LOOPBACK] = {"EF_TCP_CLIENT_LOOPBACK", 0, 0, 4},
    [OPTION_TCP_SERVER_LOOPBACK] = {"EF_TCP_SERVER_LOOPBACK", 0, 0, 2},
    [OPTION_RX_TIMESTAMPING] = {"EF_RX_TIMESTAMPING", 0, 0, 3},
    [OPTION_TX_TIMESTAMPING] = {"EF_TX_TIMESTAMPING", 0, 0, 3},
    {"EF_SPIN_USEC", 0, -1, INT32_MAX},
    {"EF_BUZZ_USEC", 0, 0, INT32_MAX},
    {"EF_INT_DRIVEN", 1, 0, 1},
    {"EF_TX_PUSH", 1, 0, 1},
    {"EF_PIO", 1, 0, 2},
    {"EF_CTPIO", 1, 0, 2},
    {"EF_CTPIO_SWITCH_BYPASS", 0, 0, 1},
    {"EF_TCP_FASTSTART_INIT", 65536, 0, INT32_MAX},
    {"EF_TCP_FASTSTART_IDLE", 65536, 0, INT32_MAX},
    {"EF_NONAGLE_INFLIGHT_MAX", 50, 1, UINT16_MAX},
    {"EF_FORCE_TCP_NODELAY", 0, 0, 2},
    {"EF_DELACK_THRESH", 1, 0, UINT16_MAX},
    {"EF_DYNAMIC_ACK_THRESH", 16, 0, UINT16_MAX},
    {"EF_TCP_INITIAL_CWND", 0, 0, INT32_MAX},
    {"EF_USE_HUGE_PAGES", 1, 0, 2},
    {"EF_PREALLOC_PACKETS", 0, 0, 1},
    {"EF_PREFAULT_PACKETS", 1, 0, INT32_MAX},
    {"EF_MAX_PACKETS", 32768, 1024, INT32_MAX},
    {"EF_RXQ_SIZE", 512, 512, 4096},
    {"EF_TXQ_SIZE", 512, 512, 2048},
    {"EF_IRQ_CORE", -1, -1, INT16_MAX},
    {"EF_PERIODIC_TIMER_CPU", -1, -1, INT16_MAX},
    {"EF_MCAST_RECV_HW_LOOP", 1, 0, 1},
    {"EF_TPH_MODE", 0, 0, 2},
    {"EF_HIGH_THROUGHPUT_MODE", 0, 0, 1},
    {"EF_AF_XDP_ZEROCOPY", 0, 0, 1},
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0], TEXTS = 1, TEXT_BYTES = 32 };
_Static_assert(NUMBERS <= (int)OPTIONS_NUMBERS, "the options of a stack have room for all");

static const struct {
    const char *name, *initial, *allowed[3];
} texts[TEXTS] = {{"EF_CTPIO_MODE", "sf-np", {"ct", "sf", "sf-np"}}};

static __thread bool set_number[NUMBERS];
static __thread int64_t number_of_thread[NUMBERS];
static __thread char text_of_thread[TEXTS][TEXT_BYTES];

int64_t environment_number(const char *name, int64_t otherwise) {
    const char *text = getenv(name);
    char *end;
    if (!text || !*text) return otherwise;
    int64_t value = strtoll(text, &end, 0);
    return *end ? otherwise : value;
}

static int64_t number_now(int i) {
    if (set_number[i]) return number_of_thread[i];
    return environment_number(numbers[i].name, numbers[i].initial);
}

struct options options_of_thread(void) {
    struct options options = {{0}};
    for (int i = 0; i < NUMBERS; i++) options.number[i] = number_now(i);
    return options;
}

static int number_named(const char *name) {
    for (int i = 0; name && i < NUMBERS; i++)
        if (strcmp(numbers[i].name, name) == 0) return i;
    return -1;
}

static int text_named(const char *name) {
    for (int i = 0; name && i < TEXTS; i++)
        if (strcmp(texts[i].name, name) == 0) return i;
    return -1;
}

EXPORTED int onload_stack_opt_set_int(const char *name, int64_t value) {
    FAULT_NEGATIVE("onload_stack_opt_set_int");
    int i = number_named(name);
    if (i < 0 || value < numbers[i].lowest || value > numbers[i].highest) return -EINVAL;
    number_of_thread[i] = value;
    set_number[i] = true;
    return 0;
}

EXPORTED int onload_stack_opt_get_int(const char *name, int64_t *value) {
    FAULT_NEGATIVE("onload_stack_opt_get_int");
    int i = number_named(name);
    if (i < 0) return -EINVAL;
    *value = number_now(i);
    return 0;
}

EXPORTED int onload_stack_opt_set_str(const char *name, const char *value) {
    FAULT_NEGATIVE("onload_stack_opt_set_str");
    int i = text_named(name);
    for (int a = 0; i >= 0 && value && a < 3; a++) {
        if (strcmp(value, texts[i].allowed[a]) != 0) continue;
        strcpy(text_of_thread[i], value);
        return 0;
    }
    return -EINVAL;
}

EXPORTED int onload_stack_opt_get_str(const char *name, char *value, size_t *bytes) {
    FAULT_NEGATIVE("onload_stack_opt_get_str");
    int i = text_named(name);
    if (i < 0) return -EINVAL;
    const char *text = text_of_thread[i];
    if (!*text) text = getenv(texts[i].name);
    if (!text) text = texts[i].initial;
    size_t needed = strlen(text) + 1, room = *bytes;
    *bytes = needed;
    if (room < needed) return -ENOSPC;
    memcpy(value, text, needed);
    return 0;
}

EXPORTED int onload_stack_opt_reset(void) {
    FAULT_NEGATIVE("onload_stack_opt_reset");
    memset(set_number, 0, sizeof set_number);
    memset(text_of_thread, 0, sizeof text_of_thread);
    return 0;
}
