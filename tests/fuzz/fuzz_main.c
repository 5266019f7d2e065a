/* libFuzzer's entry points: starts Python once, as the compiled modules need it to be imported, and
 * then calls their nogil functions directly. The target's index is in IRONPIT_FUZZ_TARGET. */
#include <Python.h>
#include <stdint.h>
#include <stdlib.h>

extern PyObject *PyInit_fuzz_targets(void);
extern void ironpit_fuzz(int target, const uint8_t *data, size_t bytes);

static int target;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    const char *text = getenv("IRONPIT_FUZZ_TARGET");
    if (text == NULL) {
        fprintf(stderr, "IRONPIT_FUZZ_TARGET is not set\n");
        exit(2);
    }
    target = atoi(text);
    PyImport_AppendInittab("fuzz_targets", PyInit_fuzz_targets);
    Py_Initialize();
    if (PyImport_ImportModule("fuzz_targets") == NULL) {
        PyErr_Print();
        exit(2);
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    ironpit_fuzz(target, data, bytes);
    return 0;
}
