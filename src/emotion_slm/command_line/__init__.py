"""The commands of `emotion-slm`, by what they are about; cli.py puts them together.

Commands import what they need when they run: `--help` answers at once.
"""
