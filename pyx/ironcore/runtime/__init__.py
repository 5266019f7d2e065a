"""L4: agents on threads, the pipeline, the simulator, compiled load and bench loops."""
