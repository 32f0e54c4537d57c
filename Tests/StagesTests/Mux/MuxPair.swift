import NIOCore
import Pipeline

@testable import Stages

/// One side of a session without a channel: what it writes is collected, what it is given is decoded.
struct MuxSide {
    var session: MuxSession
    var decoder = MuxFrameDecoder()
    var out = ByteBuffer()

    init(_ role: MuxSession.Role, _ configuration: MuxConfiguration) {
        session = MuxSession(role: role, configuration: configuration, now: .uptimeNanoseconds(0))
    }

    /// Writes up to so many frames to `out`. The slots that are over are returned.
    mutating func write(frames: Int = .max) -> [Int] {
        var over: [Int] = []
        var left = frames
        while left > 0, let step = session.write(into: &out) {
            if var payload = step.payload { out.writeBuffer(&payload) }
            if step.isOver, let slot = step.slot { over.append(slot) }
            left -= 1
        }
        return over
    }

    mutating func take(_ bytes: ByteBuffer, now: NIODeadline = .uptimeNanoseconds(0)) throws -> [MuxEvent] {
        decoder.append(bytes)
        var events: [MuxEvent] = []
        while let frame = try decoder.next() { events.append(session.receive(frame, now: now)) }
        return events
    }

    /// Everything written so far.
    mutating func flush() -> ByteBuffer {
        _ = write()
        defer { out = ByteBuffer() }
        return out
    }
}

extension MuxConfiguration {
    static var small: MuxConfiguration {
        var configuration = MuxConfiguration()
        configuration.memory = 1 << 20
        configuration.streamWindow = 64 << 10
        configuration.maxStreams = 64
        return configuration
    }
}

extension RequestHead {
    static let sample = RequestHead(method: "POST", scheme: .http, authority: "example.com", path: "/", body: .unknown)
}

/// Two sides that have said HELLO.
func establishedPair(_ configuration: MuxConfiguration = .small) throws -> (opener: MuxSide, acceptor: MuxSide) {
    var opener = MuxSide(.opener, configuration)
    var acceptor = MuxSide(.acceptor, configuration)
    _ = try acceptor.take(opener.flush())
    _ = try opener.take(acceptor.flush())
    return (opener, acceptor)
}
