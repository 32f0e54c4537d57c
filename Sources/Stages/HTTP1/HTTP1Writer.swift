package import NIOCore
package import Pipeline

/// How a body is sent.
package enum BodyFraming: Sendable, Hashable {
    case none
    case length(Int64)
    case chunked
    case untilClose
}

/// Writes heads and chunks to the end of a buffer.
package enum HTTP1Writer {
    /// Throws, and writes nothing, if method, path or authority has a byte that it can't have.
    package static func request(
        _ head: RequestHead, close: Bool = false, into buffer: inout ByteBuffer
    ) throws(HTTP1Error) -> BodyFraming { .none }

    /// - Parameter minorVersion: the client's. A client of HTTP/1.0 gets no informational response: nothing is written.
    package static func response(
        _ head: ResponseHead, to request: RequestHead, minorVersion: Int = 1, keepAlive: Bool, into buffer: inout ByteBuffer
    ) -> BodyFraming { .none }

    /// Before `length` bytes of a chunk; `length` is greater than 0, because 0 ends a body.
    package static func chunkHeader(length: Int, into buffer: inout ByteBuffer) {}

    /// Behind a chunk's bytes.
    package static func chunkTrailer(into buffer: inout ByteBuffer) {}

    /// Ends a chunked body.
    package static func lastChunk(trailers: HeaderFields? = nil, into buffer: inout ByteBuffer) {}
}
