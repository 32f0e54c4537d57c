package import HTTPMessages
package import NIOCore

/// What a frame means for the owner of a session.
package enum MuxEvent: Sendable {
    /// Nothing that the owner has to do.
    case none
    /// The peer has said HELLO: streams can be opened.
    case established
    /// The opener wants to go on with another session over this connection. Nothing else comes until that is answered.
    case attaching(MuxAttach)
    /// The acceptor has answered such a wish.
    case attached(MuxAttachAnswer)
    /// The peer has so much of what was sent to it.
    case acknowledged(UInt64)
    /// The peer has opened a stream: its request, the first bytes of its body, and whether these are all.
    case opened(slot: Int, RequestHead, early: ByteBuffer, end: Bool)
    /// The head of a response has come, an informational one (1xx) perhaps.
    case head(slot: Int, ResponseHead)
    /// The peer says why it answers in the origin's place; the answer follows.
    case reason(slot: Int, Failure)
    /// Bytes of a body have come; with `end`, the peer's side of the stream is over.
    case data(slot: Int, ByteBuffer, end: Bool)
    /// Trailers have come, and with them the end of the peer's side of the stream.
    case trailers(slot: Int, HeaderFields)
    /// The peer has given a window to a stream that waited for one.
    case windowed(slot: Int)
    /// The stream is over before its end. Its slot is free already.
    case reset(slot: Int, Failure, MuxResetCause)
    /// The peer takes no new streams; those above `last` were not begun.
    case goingAway(last: UInt32, Failure)
    /// Others need the room that some hold: the owner asks `relieve` who has to go, and ends these.
    case crowded
    /// Nothing has come for so long since the peer was asked, which says something only together with what the kernel knows of the connection.
    case doubtful(after: TimeAmount)
    /// Nothing has come from the peer for too long. Where the session can be resumed it needs another connection; else it is over.
    case silent(Failure)
    /// The session is over. What is still to be written says why.
    case failed(Failure)
}

/// Who or what ended a stream that this side didn't want to end. The words are a label of the metrics.
package enum MuxResetCause: String, CaseIterable, Sendable {
    /// The peer sent RESET, or broke the protocol on this stream.
    case peer
    /// The peer sent more heads or trailers than can be held.
    case excessive
    /// Nobody took the stream's bytes, and others needed the room.
    case crowded
}
