"""params.yaml as frozen, validated models: one module per stage.

A stage imports only its own section's module, so a new field of one stage reruns that stage alone.
"""
