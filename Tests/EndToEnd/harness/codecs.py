"""The codecs of `frame`. A test of all of them takes `CODECS`; one of something that not every codec can say takes the list that is named
for it. A new codec is added here, and nowhere else in the tests."""

CODECS = ["mux", "h2", "json"]
# The agent can tell the server that the client of one stream has left.
CANCELLING = ["mux", "h2"]
# An end that leaves in order says so.
SAYING_GOODBYE = ["mux", "h2"]
# Bodies of plain requests and responses pass while they come, each stream with a window of its own.
STREAMING = ["mux", "h2"]
