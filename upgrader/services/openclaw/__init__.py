"""All that is known of OpenClaw: bytes to values, values to argument lists. Opens nothing.

Here itself lies what crosses subjects: `knowledge` and `layout` join them for a port; eras, releases, installing, doctor.
"""
