import NIOCore
import Pipeline

/// The exchange's end of one stream. Confined to the session's loop.
protocol MuxEnd: AnyObject {
    func received(_ head: ResponseHead)
    func received(_ bytes: ByteBuffer)
    func receivedEnd(_ trailers: HeaderFields?)
    func wasReset(_ failure: Failure)
    /// So many bytes that this end had sent have left for the peer.
    func hasSent(_ bytes: Int)
    /// No more has come for now.
    func flush()
    /// Whether the session takes data has changed.
    func regulate()
    /// The stream's slot is no longer this end's: nothing more may be asked of the session but `settle`, with what is still
    /// held, when it is held no longer.
    func detach(_ holding: MuxHolding)
    /// Nothing more will come: lets go of the exchange.
    func forget()
}
