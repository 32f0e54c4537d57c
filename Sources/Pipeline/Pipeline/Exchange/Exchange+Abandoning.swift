package import HTTPMessages

/// What an exchange has on its way is given up, where nobody takes it and others need the room that it has. Unlike an abort it counts
/// after the exchange's end as well: what came last may wait for long.
extension Exchange {
    /// What of the response isn't passed on is lost, and with it the client's connection or stream, so that it can't take a part for the
    /// whole. A source that doesn't know of its exchange after the end keeps what it has.
    package func abandonResponse(_ failure: Failure) {
        guard hasEnded else { return abortResponse(failure) }
        if let outer { outer.abandonResponse(failure) } else { heirs.ofSource?.lateResponseAbandoned(failure) }
    }

    /// The same for the request and whoever it is for.
    package func abandonRequest(_ failure: Failure) {
        guard hasEnded else { return abortRequest(failure) }
        heirs.ofSink?.lateRequestAbandoned(failure)
    }
}
