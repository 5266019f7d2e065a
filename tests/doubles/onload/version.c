/* Versions: MOCK_ONLOAD_EXT_VERSION="1.1.0" makes this library that much older. An extension
 * library that wants a newer one than this is not served: nothing is accelerated. */
#include "double.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

EXPORTED const char onload_version[] = "9.0.0-double";
EXPORTED unsigned onload_lib_ext_version[3] = {1, 2, 0};

__attribute__((constructor(104))) static void version_check(void) {
    unsigned *ours = onload_lib_ext_version;
    const char *text = getenv("MOCK_ONLOAD_EXT_VERSION");
    if (text) sscanf(text, "%u.%u.%u", &ours[0], &ours[1], &ours[2]);
    const unsigned *wanted = dlsym(RTLD_DEFAULT, "onload_ext_version");
    if (!wanted || (wanted[0] == ours[0] && wanted[1] <= ours[1])) return;
    fprintf(stderr, "ERROR: libonload %u.%u.%u does not serve the extension library %u.%u.%u\n",
            ours[0], ours[1], ours[2], wanted[0], wanted[1], wanted[2]);
    rules_switch_off();
}

#ifdef __x86_64__
/* Run as a program, the library prints its version. */
__attribute__((section(".interp"), used)) static const char interpreter[] =
    "/lib64/ld-linux-x86-64.so.2";

__attribute__((noreturn, force_align_arg_pointer, used)) void onload_double_main(void) {
    printf("Onload %s\nextension library %u.%u.%u\n", onload_version, onload_lib_ext_version[0],
           onload_lib_ext_version[1], onload_lib_ext_version[2]);
    fflush(stdout);
    syscall(SYS_exit_group, 0);
    __builtin_unreachable();
}
#endif
