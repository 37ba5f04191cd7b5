"""Looks at an installation, for the discovery and the diagnosis: files, definitions, logs, processes. Nothing is changed, and
no service manager is asked.
"""
