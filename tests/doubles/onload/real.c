/* The C library's own functions. */
#include "double.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

struct real real_functions;

static void *found(const char *name) {
    void *function = dlsym(RTLD_NEXT, name);
    if (!function) {
        fprintf(stderr, "onload double: the C library has no %s\n", name);
        abort();
    }
    return function;
}

__attribute__((constructor(101))) void real_open(void) {
    struct real all;
#define LOOK_UP(type, name, arguments) all.name = (type(*) arguments)found(#name);
    REAL_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
    real_functions = all;
}
