package import NIOCore

/// Reads the requests of one connection.
package struct HTTP1RequestParser: Sendable {
    package typealias Part = HTTP1Part<HTTP1RequestHead>

    package init(limits: HTTP1Limits = .init()) {}

    /// Takes what was read.
    package mutating func append(_ bytes: ByteBuffer) {}

    /// The next part, or nil if more bytes are needed. Pipelined requests simply follow.
    ///
    /// After the head of a CONNECT, or of a request whose `upgrade` isn't nil, there is no `.end`: the parser stops, `next()`
    /// is nil and what was read stays here until `takeRest()` or `resume()`.
    package mutating func next() throws(HTTP1Error) -> Part? { nil }

    /// Whatever was not parsed, raw: what follows a CONNECT or Upgrade that was granted.
    package mutating func takeRest() -> ByteBuffer { ByteBuffer() }

    /// Goes on with the next request after a CONNECT or Upgrade that was not granted.
    package mutating func resume() {}

    /// The client ends its side; to be called when `next()` is nil. An error if that is in the middle of a request.
    package mutating func finish() throws(HTTP1Error) -> Part? { nil }

    package var bufferedBytes: Int { 0 }

    /// Nothing of a request has come since the last one's end.
    package var isIdle: Bool { true }
}
