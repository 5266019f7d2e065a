"""One instrument's book: how it is made, and how an incoming order meets the opposite side."""
