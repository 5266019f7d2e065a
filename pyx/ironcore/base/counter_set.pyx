"""The counters of one part, a stage or an end of a stream."""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from ironcore.base.counters cimport CountersFile, counter_add, counter_set, counters_new

from ironcore.base.counter_declaration import Declaration
from ironcore.base.counters import CountersError


cdef class CounterSet:
    """Counters that a part declares; without a file they live in memory. TypeError: one of them is
    no Counter, Gauge or Maximum."""

    def __cinit__(self, str writer, tuple declared, CountersFile file=None):
        if len(declared) > COUNTER_SET_MAX:
            raise ValueError(f"{writer}: found {len(declared)} counters, expected at most "
                             f"{COUNTER_SET_MAX}")
        for one in declared:
            if not isinstance(one, Declaration):
                raise TypeError(f"{writer}: found {one!r}, expected a Counter, Gauge or Maximum")
        memset(self.own, 0, sizeof(self.own))
        self.file = file
        self.declared = declared
        self.names = tuple(one.name for one in declared)
        for index, one in enumerate(declared):
            if file is None:
                self.values[index] = &self.own[index]
            else:
                self.values[index] = counters_new(file, writer, one)

    def _index(self, str name, str kind):
        index = self.names.index(name)
        if self.declared[index].kind != kind:
            raise CountersError(f"counter {name!r}: found a {self.declared[index].kind}, "
                                f"expected a {kind}")
        return index

    def add(self, str name, uint64_t n=1):
        """Add to a count from Python; only its one writer may. CountersError: it is none."""
        counter_add(self.values[self._index(name, "count")], n)

    def set(self, str name, uint64_t value):
        """Set a gauge from Python; only its one writer may. CountersError: it is none."""
        counter_set(self.values[self._index(name, "gauge")], value)

    def snapshot(self):
        """Values now, by name."""
        return {name: self.values[index][0] for index, name in enumerate(self.names)}
