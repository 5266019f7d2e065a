/* What is accelerated: nothing without a driver, TCP and UDP over the interfaces that
 * MOCK_ONLOAD_IFACES names (commas between), loopback where the stack's options say so. */
#include "double.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool off;

bool rules_off(void) { return off; }

void rules_switch_off(void) { off = true; }

__attribute__((constructor(103))) static void rules_open(void) {
    const char *driver = getenv("MOCK_ONLOAD_DRIVER");
    if (driver && strcmp(driver, "missing") == 0) off = true;
    if (environment_number("EF_DONT_ACCELERATE", 0)) off = true;
}

static bool named(const char *list, const char *name) {
    size_t bytes = strlen(name);
    while (list && *list) {
        size_t length = strcspn(list, ",");
        if (length == bytes && memcmp(list, name, bytes) == 0) return true;
        list += length + (list[length] == ',');
    }
    return false;
}

static bool loopback(uint32_t address) { return ntohl(address) >> 24 == 127; }

static bool unspecified(uint32_t address) { return address == htonl(INADDR_ANY); }

/* Is it an address of this host, and is its interface an accelerated one? */
static bool own_address(uint32_t address, bool *interface_accelerated) {
    struct ifaddrs *all, *i;
    bool found = false;
    *interface_accelerated = false;
    if (getifaddrs(&all) != 0) return false;
    for (i = all; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET) continue;
        const struct sockaddr_in *in = (const void *)i->ifa_addr;
        if (in->sin_addr.s_addr != address) continue;
        found = true;
        *interface_accelerated = named(getenv("MOCK_ONLOAD_IFACES"), i->ifa_name);
    }
    freeifaddrs(all);
    return found;
}

bool rules_accelerate_local(const struct sockaddr *address, const struct stack *stack) {
    const struct sockaddr_in *in = (const void *)address;
    bool interface_accelerated;
    if (address->sa_family != AF_INET) return address->sa_family == AF_INET6;
    if (unspecified(in->sin_addr.s_addr) || IN_MULTICAST(ntohl(in->sin_addr.s_addr))) return true;
    if (loopback(in->sin_addr.s_addr))
        return stack->options.number[OPTION_TCP_SERVER_LOOPBACK] != 0;
    own_address(in->sin_addr.s_addr, &interface_accelerated);
    return interface_accelerated;
}

/* The address that the kernel would send from. */
static bool source_of(const struct sockaddr_in *to, struct sockaddr_in *from) {
    socklen_t bytes = sizeof *from;
    int probe = real()->socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return false;
    bool found = real()->connect(probe, (const void *)to, sizeof *to) == 0
                 && real()->getsockname(probe, (void *)from, &bytes) == 0;
    real()->close(probe);
    return found;
}

bool rules_accelerate_route(const struct sockaddr *to, const struct stack *stack,
                            struct sockaddr_in *from) {
    const struct sockaddr_in *in = (const void *)to;
    bool interface_accelerated;
    if (to->sa_family != AF_INET || !source_of(in, from)) return false;
    if (loopback(in->sin_addr.s_addr) || own_address(in->sin_addr.s_addr, &interface_accelerated))
        return stack->options.number[OPTION_TCP_CLIENT_LOOPBACK] != 0;
    own_address(from->sin_addr.s_addr, &interface_accelerated);
    return interface_accelerated;
}
