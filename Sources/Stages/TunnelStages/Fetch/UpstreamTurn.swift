import HTTPMessages

/// What a connection to an origin knows of the exchange that has its turn on it. A value, begun anew with each exchange.
struct UpstreamTurn {
    /// How many informational responses one answer may have before it.
    private static let informationalLimit = 32
    /// They change nothing at the origin by being sent twice (RFC 9110, 9.2.1).
    private static let safeMethods: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE"]

    /// The connection had carried another exchange before.
    let isReused: Bool
    /// Everything that the client has to say was given to the connection.
    var isRequestComplete = false
    /// The final response's head has come.
    private(set) var hasResponseBegun = false
    /// The response's head leaves the connection open.
    private(set) var keepsAlive = false
    private var informationals = 0

    init(isReused: Bool) {
        self.isReused = isReused
    }

    /// False when there were too many.
    mutating func receivedInformational() -> Bool {
        informationals += 1
        return informationals <= Self.informationalLimit
    }

    mutating func receivedHead(keepsAlive: Bool) {
        hasResponseBegun = true
        self.keepsAlive = keepsAlive
    }

    /// RFC 9112, 9.3.1: a connection that was idle may be closed by the origin just as a request is sent. Such a request is
    /// sent again if it can't have changed anything by being processed, and none of it was a body.
    func mayRetry(_ request: RequestHead) -> Bool {
        isReused && !hasResponseBegun && request.kind == .plain && request.body == BodyLength.none
            && Self.safeMethods.contains(request.method)
    }

    /// Whether the connection can serve another exchange after this one's response.
    func leavesConnection(after request: RequestHead) -> Bool { keepsAlive && isRequestComplete && request.kind == .plain }
}
