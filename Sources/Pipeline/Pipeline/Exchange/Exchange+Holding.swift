/// One of an exchange's two ways.
public enum Direction: Sendable, Hashable {
    /// From the source to the sink.
    case request
    /// From the sink to the source.
    case response
}

/// Holding bytes back: what a stage does that limits how fast they pass.
extension Exchange {
    /// Keeps whatever comes in a direction from passing until `release` has been called as often. What is held earns no credit,
    /// so that its sender stops within a window. A part that is just passing still does.
    public func hold(_ direction: Direction) {
        guard !isFinished else { return }
        switch direction {
        case .request: requestFlow.holds += 1
        case .response: responseFlow.holds += 1
        }
    }

    /// Undoes one `hold`. What was held goes on at once if it was the last; more than there are holds changes nothing.
    public func release(_ direction: Direction) {
        guard !isFinished else { return }
        switch direction {
        case .request:
            guard requestFlow.holds > 0 else { return }
            requestFlow.holds -= 1
            releaseRequest()
            flushRequest()
        case .response:
            guard responseFlow.holds > 0 else { return }
            responseFlow.holds -= 1
            releaseResponse()
            flushResponse()
        }
    }
}
