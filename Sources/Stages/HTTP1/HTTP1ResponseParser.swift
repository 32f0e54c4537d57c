package import NIOCore

/// Reads the responses of one connection.
package struct HTTP1ResponseParser: Sendable {
    package typealias Part = HTTP1Part<HTTP1ResponseHead>

    package init(limits: HTTP1Limits = .init()) {}

    /// To be called when a request is sent, before its response: a response's end depends on the request.
    package mutating func expectResponse(to method: String, upgrade: Bool = false) {}

    /// Takes what was read.
    package mutating func append(_ bytes: ByteBuffer) {}

    /// The next part, or nil if more bytes are needed. A byte while no response is expected is an error.
    ///
    /// Behind an informational head comes another head, without `.end` between them. After the head of a 2xx to CONNECT, or of
    /// 101, there is no `.end` either: the parser stops, and what was read stays here until `takeRest()`.
    package mutating func next() throws(HTTP1Error) -> Part? { nil }

    /// Whatever was not parsed, raw: what follows a granted CONNECT or Upgrade.
    package mutating func takeRest() -> ByteBuffer { ByteBuffer() }

    /// The origin ended its side; to be called when `next()` is nil. That is the `.end` of a response without a length; in the
    /// middle of something else it is an error.
    package mutating func finish() throws(HTTP1Error) -> Part? { nil }

    package var bufferedBytes: Int { 0 }

    /// No response is expected and nothing has come: the connection can be used for another request.
    package var isIdle: Bool { true }
}
