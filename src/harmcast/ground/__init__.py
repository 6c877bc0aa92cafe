"""The ground: roads, water, names of places. Read once from a force's own map files, then drawn, named and searched."""
