"""Puts Fluidity's server and its control plane on AWS: what `deployments/deploy` runs.

Nothing but Python's own library is needed. AWS is asked by its command line, so that credentials, profiles and endpoints
are those that its user has set up already.
"""
