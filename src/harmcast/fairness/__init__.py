"""Who bears it?"""
