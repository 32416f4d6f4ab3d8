"""Sessions: they run statements, which ties SQL to the stored rows."""
