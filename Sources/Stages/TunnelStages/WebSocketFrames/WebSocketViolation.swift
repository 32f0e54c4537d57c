/// Why bytes are no WebSocket: the code that such a connection is closed with (RFC 6455, 7.4.1).
package struct WebSocketViolation: Error, Sendable, Equatable {
    /// The status code of the close frame.
    package var code: UInt16

    /// The frames break RFC 6455 (code 1002).
    package static let protocolError = WebSocketViolation(code: 1002)
    /// A message of a type that isn't taken. The code is 1003.
    package static let unacceptable = WebSocketViolation(code: 1003)
    /// A message is over the limit. The code is 1009.
    package static let tooLarge = WebSocketViolation(code: 1009)
}
