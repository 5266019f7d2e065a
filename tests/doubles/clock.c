/* A real-time clock that a test sets: preloaded, it is ahead of the host's by as many nanoseconds
 * as the 8 bytes of the file IRONPIT_TEST_CLOCK say. All else of time (sleeps, the monotonic clock)
 * stays the host's, which libfaketime cannot leave alone. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000

static int (*host_gettime)(clockid_t, struct timespec *);
static const volatile int64_t *ahead_ns;

__attribute__((constructor)) static void find(void) {
    const char *path = getenv("IRONPIT_TEST_CLOCK");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = MAP_FAILED;
    host_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    if (file >= 0) {
        mapped = mmap(NULL, sizeof(*ahead_ns), PROT_READ, MAP_SHARED, file, 0);
        close(file);
    }
    if (host_gettime == NULL || mapped == MAP_FAILED)
        abort();
    ahead_ns = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    int status = host_gettime(clock, now);
    if (status == 0 && clock == CLOCK_REALTIME) {
        int64_t ns = now->tv_sec * (int64_t)SECOND_NS + now->tv_nsec + *ahead_ns;
        now->tv_sec = ns / SECOND_NS;
        now->tv_nsec = ns % SECOND_NS;
    }
    return status;
}
