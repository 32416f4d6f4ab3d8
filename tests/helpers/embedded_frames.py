"""What a real client sends to write two rows of a meter, for tests of the embedded database's protocol."""

METERS = ("CREATE STABLE IF NOT EXISTS meters (ts TIMESTAMP, `current` FLOAT, voltage INT, phase FLOAT) "
          "TAGS (groupid INT, location BINARY(24))")
INSERT = "INSERT INTO ? USING meters (groupid, location) TAGS (?, ?) VALUES (?, ?, ?, ?)"
NOW = 1764000000000  # the time of the first row, in epoch ms

# Two rows for subtable d2, as taosws binds them with stmt2: from the end of the frame's header.
STMT2_BIND = bytes.fromhex("""
    0100 ffffffff
    cb000000 01000000 02000000 04000000 1c000000 21000000 53000000
    0300 643200
    2e000000   16000000 04000000 01000000 00 00 04000000 02000000
               18000000 08000000 01000000 00 01 02000000 02000000 4c41
    74000000   23000000 09000000 02000000 0000 00 10000000 00e897b69a010000 01e897b69a010000
               1b000000 06000000 02000000 0001 00 08000000 0000c03f 00000000
               1b000000 04000000 02000000 0000 00 08000000 dc000000 dd000000
               1b000000 06000000 02000000 0000 00 08000000 0000003f 0000803e""")
# The same columns in an old-style bind.
OLD_BIND = bytes.fromhex("""
    01000000 6c000000 02000000 04000000 ffffffff 0000000000000000
    09 08000000  06 04000000  04 04000000  06 04000000   10000000 08000000 08000000 08000000
    00 00e897b69a010000 01e897b69a010000   40 0000c03f 00000000   00 dc000000 dd000000   00 0000003f 0000803e""")
