"""The Dagster graph: assets, checks, sensors, jobs, resources. The only room that imports dagster.

An asset body reads, calls one domain function, writes and describes. Logic belongs to the rooms below.
"""
