"""A runner owns one thread, pinned or not, real-time or not, an idle strategy and the agents that
share the thread.

The loop runs without the interpreter. An agent whose poll fails with an error of the operating
system (a full disk) is asked again after a pause, and its failures are counted: what it holds back
holds back the stages that wait for it, and nothing is lost. An agent that can never go on (it was
evicted, its input is corrupt) ends the runner, and with it the process.
"""

import os
import threading

from libc.stdint cimport uint64_t

from ironcore.base.atomics cimport cpu_pause, load_acquire_u64, store_release_u64
from ironcore.base.counters cimport counter_add
from ironcore.base.status cimport STATUS_IO
from ironcore.stage.agent cimport Stage
from ironcore.base.counter_set cimport CounterSet

from ironcore.base.counter_declaration import Counter

cdef extern from * nogil:
    """
    #include <sched.h>
    #include <sys/prctl.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>
    static void iron_sleep_ns(long ns) {
        struct timespec t = {0, ns};
        nanosleep(&t, NULL);
    }
    static void iron_yield(void) { sched_yield(); }
    static int iron_thread_id(void) { return (int)syscall(SYS_gettid); }
    /* 1 ns: the default slack of 50 us would be added to every sleep of the idle strategy. */
    static void iron_name_thread(const char *name) {
        prctl(PR_SET_NAME, name, 0, 0, 0);
        prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
    }
    """
    void iron_sleep_ns(long ns)
    void iron_yield()
    int iron_thread_id()
    void iron_name_thread(const char* name)

COUNTERS = (
    Counter("turns", "turns of the duty cycle"),
    Counter("work", "units of work that the agents reported"),
    Counter("idle_turns", "turns in which no agent had work"),
    Counter("failures", "polls that failed and were tried again"),
)

IDLE_STRATEGIES = {"spin": IDLE_SPIN, "yield": IDLE_YIELD, "backoff": IDLE_BACKOFF}

cdef enum:
    SPINS_MAX = 200                  # turns of a backing-off runner before it yields
    YIELDS_MAX = 50                  # and before it sleeps
    SLEEP_NS_MIN = 1000
    SLEEP_NS_MAX = 100000
    FAILURE_PAUSE_NS = 1000000


cdef inline void _idle(IdleStrategy strategy, uint64_t idle_turns) noexcept nogil:
    cdef long sleep_ns
    if strategy == IDLE_SPIN or idle_turns < SPINS_MAX:
        cpu_pause()
    elif strategy == IDLE_YIELD or idle_turns < SPINS_MAX + YIELDS_MAX:
        iron_yield()
    else:
        idle_turns -= SPINS_MAX + YIELDS_MAX
        sleep_ns = SLEEP_NS_MAX if idle_turns > 6 else SLEEP_NS_MIN << <int>idle_turns
        iron_sleep_ns(sleep_ns if sleep_ns < SLEEP_NS_MAX else SLEEP_NS_MAX)


cdef class Runner:
    """Runs stages on one thread: `start`, then `stop` and `join`.

    stages: in the order of the duty cycle. cpu: pin to it, or None. priority: of SCHED_FIFO
    (sched(7)), or None for the default policy. idle: spin, yield or backoff.
    """

    def __cinit__(self, name, list stages, *, cpu=None, priority=None, str idle="backoff",
                  int batch_max=256, CounterSet counters=None):
        if not 1 <= len(stages) <= AGENTS_MAX:
            raise ValueError(f"runner {name}: found {len(stages)} stages, expected 1 to "
                             f"{AGENTS_MAX}")
        if idle not in IDLE_STRATEGIES:
            raise ValueError(f"runner {name}: found idle strategy {idle!r}, expected one of "
                             f"{', '.join(IDLE_STRATEGIES)}")
        self.name = name
        self.stages = stages
        self.cpu = cpu
        self.priority = priority
        self.batch_max = batch_max
        self.idle = IDLE_STRATEGIES[idle]
        self.counters = CounterSet(f"runner-{name}", COUNTERS) if counters is None else counters
        self.agents_count = 0
        for stage in stages:
            self.agents[self.agents_count] = (<Stage?>stage).agent()
            self.agents_count += 1

    cdef void run(self) noexcept nogil:
        cdef uint64_t idle_turns = 0
        cdef uint64_t* turns = self.counters.values[RUNNER_TURNS]
        cdef int work, done, i
        while load_acquire_u64(&self.stop_asked) == 0:
            work = 0
            for i in range(self.agents_count):
                done = self.agents[i].poll(self.agents[i].self, self.batch_max)
                if done >= 0:
                    work += done
                    continue
                counter_add(self.counters.values[RUNNER_FAILURES], 1)
                if done != -STATUS_IO:
                    store_release_u64(&self.failed, (<uint64_t>(-done) << 8) | <uint64_t>(i + 1))
                    return
                iron_sleep_ns(FAILURE_PAUSE_NS)
            counter_add(turns, 1)
            if work:
                counter_add(self.counters.values[RUNNER_WORK], <uint64_t>work)
                idle_turns = 0
            else:
                counter_add(self.counters.values[RUNNER_IDLE_TURNS], 1)
                _idle(self.idle, idle_turns)
                idle_turns += 1

    def _main(self, ready):
        name = self.name.encode()[:15]
        cdef const char* thread_name = name
        iron_name_thread(thread_name)
        self.thread_id = iron_thread_id()
        try:
            if self.cpu is not None:
                self.asked = f"pin it to CPU {self.cpu}"
                os.sched_setaffinity(0, {self.cpu})
            if self.priority is not None:
                self.asked = f"run it at real-time priority {self.priority}"
                os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(self.priority))
        except OSError as error:
            self.refusal = error
        ready.set()
        if self.refusal is None:
            with nogil:
                self.run()

    def start(self):
        """Start the thread; returns when it is pinned, has its priority and runs. PermissionError
        when the host refuses either; `relent` makes the next attempt do without."""
        ready = threading.Event()
        self.thread = threading.Thread(
            target=self._main, args=(ready,), name=self.name, daemon=True)
        self.thread.start()
        ready.wait()
        if self.refusal is not None:
            raise PermissionError(
                f"runner {self.name}: the host refused to {self.asked}: {self.refusal}")

    def relent(self):
        """After a refusal: give up what was refused. A thread that is not pinned gives up its
        priority as well, so that it starves nobody wherever it goes."""
        if self.asked.startswith("pin"):
            self.cpu = None
        self.priority = None
        self.refusal = None

    def stop(self):
        """Ask the thread to end after the turn in hand."""
        store_release_u64(&self.stop_asked, 1)

    def join(self, timeout=None):
        """Wait for the thread's end. True: it has ended."""
        if self.thread is None:
            return True
        self.thread.join(timeout)
        return not self.thread.is_alive()

    @property
    def turns(self):
        """Turns of the duty cycle so far: a runner whose turns stand still hangs."""
        return self.counters.values[RUNNER_TURNS][0]

    @property
    def failure(self):
        """(stage name, Status) of the agent that ended the runner, or None."""
        cdef uint64_t failed = load_acquire_u64(&self.failed)
        if failed == 0:
            return None
        return (self.agents[(failed & 0xFF) - 1].name.decode(), <int>(failed >> 8))
