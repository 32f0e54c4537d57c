/// Which side of a WebSocket bytes come from.
package enum WebSocketSender: Sendable {
    /// Its frames are masked.
    case client
    /// Its frames aren't masked.
    case server
}
