import NIOCore
import Pipeline

extension MuxHandler: TunnelSession {
    var codec: FrameCodec { .mux }
    var openStreams: Int { session.openStreams }

    /// Another than the first, where the session was gone on with.
    var transport: (any Channel)? {
        guard case .near(let wire) = line else { return nil }
        return wire.context?.channel
    }

    func leave() { goAway() }
}
