"""The figures of stage evaluate, one module per thing shown."""
