package import HTTPMessages
package import NIOCore

/// What a parser yields, in this order: a head, any number of pieces of its body, and the end.
package enum HTTP1Part<Head: Sendable & Equatable>: Sendable, Equatable {
    /// The head, with which each message begins.
    case head(Head)
    /// A slice of what was read, never empty and never copied.
    case body(ByteBuffer)
    /// The end, with the trailers if there were any that may be passed on.
    case end(HeaderFields?)
}
