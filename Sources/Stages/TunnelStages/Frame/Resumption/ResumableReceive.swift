/// How much of a stream of bytes has been taken, and when its sender hears of that.
package struct ResumableReceive {
    /// What an acknowledgement counts as: it is no part of the stream.
    static let threshold = 64 << 10

    /// What has come, in bytes, without what is no part of the stream.
    package private(set) var received: UInt64 = 0
    /// What the sender was told last.
    package private(set) var acknowledged: UInt64 = 0
    /// So much is worth an acknowledgement, in bytes.
    let worthwhile: Int

    /// - Parameter window: What the sender may have on its way, in bytes.
    package init(window: Int) {
        worthwhile = max(1, min(Self.threshold, window / 8))
    }

    /// Bytes have come and are taken.
    package mutating func take(_ bytes: Int) { received += UInt64(bytes) }

    /// So many bytes that have come were no part of the stream.
    package mutating func leaveOut(_ bytes: Int) { received -= min(received, UInt64(bytes)) }

    /// Whether the sender waits for word of it.
    package var isDue: Bool { received >= acknowledged + UInt64(worthwhile) }
    /// Whether there is anything to tell.
    package var hasNews: Bool { received > acknowledged }

    /// What the sender is told now.
    /// - Parameter unclear: How much of what came last may turn out to be no part of the stream, in bytes.
    package mutating func acknowledge(without unclear: Int) -> UInt64 {
        let position = received - min(received, UInt64(unclear))
        acknowledged = max(acknowledged, position)
        return acknowledged
    }
}
