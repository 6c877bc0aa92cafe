"""The dashboards for Qlik as code: the tables of three apps, the script that loads them, their sheets and measures.

Pure: tables in, files out. `operate.qlik` reads the state and keeps the folder.
"""
