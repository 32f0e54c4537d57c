/// What ends a connection that a WebSocket carries, in a sentence.
struct WebSocketError: Error, CustomStringConvertible {
    let description: String
}
