"""The local cloud: AWS's APIs on this machine, with asynchronous endpoints that really run.

`daemon` starts, finds and ends it; importing that is cheap. Everything else is imported by the daemon's own process.
"""
