"""Were we right?"""
