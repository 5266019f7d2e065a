"""The counters of one part, a stage or an end of a stream."""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from ironcore.base.counters cimport COUNTER_COUNT, CountersFile, counter_add, counters_new


cdef class CounterSet:
    """Counters named by a part, each (name, label); without a file they live in memory."""

    def __cinit__(self, str writer, tuple names, CountersFile file=None):
        if len(names) > COUNTER_SET_MAX:
            raise ValueError(f"{writer}: {len(names)} counters, at most {COUNTER_SET_MAX}")
        memset(self.own, 0, sizeof(self.own))
        self.file = file
        self.names = tuple(name for name, _ in names)
        for index, (name, label) in enumerate(names):
            if file is None:
                self.values[index] = &self.own[index]
            else:
                self.values[index] = counters_new(file, writer, name, COUNTER_COUNT, label)

    def add(self, str name, uint64_t n=1):
        """Add to a counter from Python; only its one writer may."""
        counter_add(self.values[self.names.index(name)], n)

    def snapshot(self):
        """Values now, by name."""
        return {name: self.values[index][0] for index, name in enumerate(self.names)}
