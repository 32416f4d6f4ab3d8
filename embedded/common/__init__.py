"""What all rooms need: types, values, time, errors, and the catalog."""
