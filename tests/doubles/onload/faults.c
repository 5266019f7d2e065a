/* Faults to order: MOCK_ONLOAD_FAULTS="onload_zc_alloc_buffers=-12,onload_fd_stat=-12@2".
 *
 * NAME=CODE: every call of the function answers CODE (a function that speaks through errno answers
 * -1 and sets errno to -CODE). NAME=CODE@N: the Nth call alone. */
#include "double.h"

#include <stdlib.h>
#include <string.h>

enum { FAULTS_MAX = 32 };
static struct {
    char name[48];
    int code;
    long nth;
    atomic_long calls;
} faults[FAULTS_MAX];
static int faults_count;

__attribute__((constructor(102))) static void faults_open(void) {
    const char *text = getenv("MOCK_ONLOAD_FAULTS");
    while (text && *text && faults_count < FAULTS_MAX) {
        const char *equals = strchr(text, '=');
        if (!equals || equals - text >= (long)sizeof faults[0].name) return;
        memcpy(faults[faults_count].name, text, (size_t)(equals - text));
        char *end;
        faults[faults_count].code = (int)strtol(equals + 1, &end, 10);
        if (*end == '@') faults[faults_count].nth = strtol(end + 1, &end, 10);
        faults_count++;
        text = *end == ',' ? end + 1 : NULL;
    }
}

bool fault(const char *function, int *code) {
    for (int i = 0; i < faults_count; i++) {
        if (strcmp(function, faults[i].name) != 0) continue;
        long call = atomic_fetch_add(&faults[i].calls, 1) + 1;
        *code = faults[i].code;
        return faults[i].nth == 0 || faults[i].nth == call;
    }
    return false;
}
