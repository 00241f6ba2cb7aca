"""How an endpoint's instances follow its load, as AWS documents it: pure functions of policy, metrics and time.

Nothing here reads a clock or talks to anyone, so that the local cloud and a simulator decide alike. Times are aware
datetimes, durations seconds, capacities numbers of instances.
"""
