"""The history: every row of the database in Perspective. Views are answered by TDengine's SQL; nothing is copied.

`docs/files.md` has a line for each file.
"""
