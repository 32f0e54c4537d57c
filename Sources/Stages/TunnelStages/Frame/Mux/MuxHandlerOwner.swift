import HTTPMessages
import NIOCore

/// What the user of a session is told.
protocol MuxHandlerOwner: AnyObject {
    func sessionEstablished()
    func streamOpened(slot: Int, _ head: RequestHead, early: ByteBuffer, end: Bool)
    /// No more streams can be opened on this session.
    func sessionGoingAway(_ failure: Failure)
    func streamsFreed()
    func sessionClosed(_ failure: Failure)
}
