import HTTPMessages
import NIOCore

/// What the user of a session is told.
protocol MuxHandlerOwner: AnyObject {
    func sessionEstablished()
    /// The opener wants to go on with another session.
    func sessionAttaching(_ wish: MuxAttach)
    /// The acceptor has answered such a wish.
    func sessionAttached(_ answer: MuxAttachAnswer)
    /// The connection is lost, and the session waits for another.
    func sessionDetached(_ failure: Failure)
    /// The session goes on over another connection.
    func sessionResumed()
    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool)
    /// No more streams can be opened on this session.
    func sessionGoingAway(_ failure: Failure)
    func streamsFreed()
    func sessionClosed(_ failure: Failure)
}
