"""What this host offers of what a venue can use, what of it is used, why not, and what to do.

`examination` looks, `schema/doctor-1.json` is the form of its report.
"""
