"""The bridge from TDengine to Perspective. `perspective_server.py` puts its parts together.

`docs/files.md` has a line for each file.
"""
