/* A clock_gettime that enters the kernel once more than it has to: preloaded into a venue, it
 * plants a getpid into every turn of the matcher's loop.
 * Build: cc -shared -fPIC chatty_clock.c -o x.so */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t id, struct timespec *t) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    syscall(SYS_getpid);
    return real(id, t);
}
