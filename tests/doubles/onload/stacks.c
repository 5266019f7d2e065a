/* Stacks: which one a new socket belongs to, by the name that its thread or process has set. */
#include "double.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACKS_MAX = 256, NAME_LENGTH_MAX = 15 };
enum { WHO_THIS_THREAD, WHO_ALL_THREADS };
enum { SCOPE_NOCHANGE, SCOPE_THREAD, SCOPE_PROCESS, SCOPE_USER, SCOPE_GLOBAL };

struct name {
    bool set, refused; /* refused: the name says "do not accelerate" */
    int scope;
    char text[NAME_LENGTH_MAX + 1];
};

static struct stack stacks[STACKS_MAX];
static int stacks_count;
static pthread_mutex_t stacks_lock = PTHREAD_MUTEX_INITIALIZER;
static struct name name_of_all;
static __thread struct name name_of_thread, name_saved;

static const struct name *name_now(void) {
    return name_of_thread.set ? &name_of_thread : &name_of_all;
}

/* A scope is an ending of the name: two threads, processes or users get two stacks. */
static void whole_name(const struct name *name, char *text) {
    int scope = name->scope;
    if (!name->set || name->text[0] == 0) {
        scope = environment_number("EF_STACK_PER_THREAD", 0) ? SCOPE_THREAD : SCOPE_GLOBAL;
    }
    if (scope == SCOPE_THREAD)
        snprintf(text, STACK_NAME_BYTES, "%s-t%ld", name->text, syscall(SYS_gettid));
    else if (scope == SCOPE_PROCESS)
        snprintf(text, STACK_NAME_BYTES, "%s-p%d", name->text, (int)getpid());
    else if (scope == SCOPE_USER)
        snprintf(text, STACK_NAME_BYTES, "%s-u%d", name->text, (int)getuid());
    else
        snprintf(text, STACK_NAME_BYTES, "%s", name->text);
}

struct stack *stack_for_new_socket(void) {
    const struct name *name = name_now();
    char text[STACK_NAME_BYTES];
    struct stack *stack = NULL;
    if (name->set && name->refused) return NULL;
    whole_name(name, text);
    pthread_mutex_lock(&stacks_lock);
    for (int i = 0; i < stacks_count && !stack; i++)
        if (strcmp(stacks[i].name, text) == 0) stack = &stacks[i];
    if (!stack && stacks_count < STACKS_MAX) {
        stack = &stacks[stacks_count];
        stack->id = stacks_count++;
        strcpy(stack->name, text);
        stack->options = options_of_thread();
    }
    pthread_mutex_unlock(&stacks_lock);
    return stack;
}

EXPORTED int onload_set_stackname(int who, int scope, const char *text) {
    FAULT_ERRNO("onload_set_stackname");
    struct name *name = who == WHO_ALL_THREADS ? &name_of_all : &name_of_thread;
    if ((who != WHO_THIS_THREAD && who != WHO_ALL_THREADS) || scope < SCOPE_NOCHANGE
        || scope > SCOPE_GLOBAL) {
        errno = EINVAL;
        return -1;
    }
    if (text && strlen(text) > NAME_LENGTH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    name->set = true;
    name->refused = text == NULL;
    if (scope != SCOPE_NOCHANGE) name->scope = scope;
    strcpy(name->text, text ? text : "");
    return 0;
}

EXPORTED int onload_stackname_save(void) {
    FAULT_NEGATIVE("onload_stackname_save");
    name_saved = *name_now();
    name_saved.set = true;
    return 0;
}

EXPORTED int onload_stackname_restore(void) {
    FAULT_NEGATIVE("onload_stackname_restore");
    if (!name_saved.set) return -EINVAL;
    name_of_thread = name_saved;
    return 0;
}

EXPORTED int onload_move_fd(int fd) {
    FAULT_NEGATIVE("onload_move_fd");
    struct endpoint *e = accelerated(fd);
    if (!e || e->kind != KIND_TCP || e->listening) return -EINVAL;
    if (e->connected && (!e->accepted || e->used || path_queued(e, true) || path_queued(e, false)))
        return -EINVAL;
    struct stack *stack = stack_for_new_socket();
    if (!stack) return -EINVAL;
    e->stack = stack;
    e->id = atomic_fetch_add(&stack->endpoints, 1);
    return 0;
}
