"""Reserved and prefaulted memory for the books."""
