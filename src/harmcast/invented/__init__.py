"""The parts of the invented force: a county, its crimes, its people, their careers, and the truth about all of them."""
