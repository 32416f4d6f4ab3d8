"""The trend: what was measured, what is expected for the coming stretch, and in which range. See docs/trend.md.

`docs/files.md` has a line for each module.
"""
