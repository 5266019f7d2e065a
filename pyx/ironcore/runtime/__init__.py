"""L5: stages on threads, the pipeline that joins them, and replay."""
