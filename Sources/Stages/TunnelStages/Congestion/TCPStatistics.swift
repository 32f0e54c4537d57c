import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the kernel has counted of a TCP connection.
struct TCPStatistics: Equatable {
    /// Smoothed, and the shortest of the last minutes; in microseconds.
    var roundTrip: UInt32 = 0
    var shortestRoundTrip: UInt32 = 0
    /// Packets with data.
    var segmentsReceived: UInt32 = 0
    var segmentsSent: UInt32 = 0
    /// Packets that were sent again.
    var resent: UInt32 = 0
    /// Packets that came before others that were sent before them: mostly because one of those was lost.
    var disordered: UInt32 = 0

    /// Packets that were sent and that the other end's kernel hasn't acknowledged.
    var unacknowledged: UInt32 = 0
    /// Bytes that haven't been sent yet, how many of them the other end would take, and the most that one packet has.
    var unsent: UInt32 = 0
    var window: UInt32 = 0
    var segment: UInt32 = 0
    /// How long ago data came, and an acknowledgement; in milliseconds.
    var sinceData: UInt32 = 0
    var sinceAcknowledgement: UInt32 = 0

    /// Bytes that the other end has acknowledged, and that came.
    var bytesAcknowledged: UInt64 = 0
    var bytesReceived: UInt64 = 0
    /// By how much round trips vary, in microseconds.
    var variation: UInt32 = 0
    /// The largest packet that passes, as far as the kernel knows, in bytes.
    var pathMTU: UInt32 = 0

    /// What a time that was measured twice may differ by.
    private static let imprecision = 100

    /// Whether the other end's kernel owes an answer, and nothing at all has come for so long. A line that is merely full brings
    /// acknowledgements, and so does a machine whose program doesn't run.
    func isUnanswered(for time: TimeAmount) -> Bool {
        // Three round trips as they are now, be they long because of what waits before a line.
        let least = max(Int(time.nanoseconds / 1_000_000), Int(roundTrip) * 3 / 1_000) - Self.imprecision
        return (unacknowledged > 0 || cannotSend) && Int(min(sinceData, sinceAcknowledgement)) >= least
    }

    /// Whether bytes wait although nothing is under way and the other end would take them: this machine can't send them. The address that
    /// they would come from is gone, say, and what the kernel can't send it doesn't count as sent.
    private var cannotSend: Bool { unacknowledged == 0 && unsent > 0 && window >= min(unsent, max(segment, 1)) }

    /// Whether so much waits before a line on the way that what is lost may be what didn't fit.
    var isQueueing: Bool { UInt64(roundTrip) * 10 > UInt64(shortestRoundTrip) * 14 }
}

extension TCPStatistics {
    /// A number of 64 bits that lies in two words, as this machine orders them.
    private static func pair(_ words: [UInt32], _ index: Int) -> UInt64 {
        words.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: index * 4, as: UInt64.self) }
    }

    /// Nil where the kernel doesn't say all of it (Linux does since 5.4).
    init?(of channel: any Channel) {
        #if os(Linux)
        // struct tcp_info of linux/tcp.h, as 32-bit words; what a C library has of it is shorter.
        var words = [UInt32](repeating: 0, count: 58)
        let length = try? channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: CInt.self) { descriptor in
            words.withUnsafeMutableBytes { bytes in
                var length = socklen_t(bytes.count)
                return getsockopt(descriptor, CInt(IPPROTO_TCP), TCP_INFO, bytes.baseAddress, &length) == 0 ? Int(length) : 0
            }
        }
        guard let length, length >= words.count * 4 else { return nil }
        self.init(
            roundTrip: words[17], shortestRoundTrip: words[37], segmentsReceived: words[38], segmentsSent: words[39],
            resent: words[25], disordered: words[56], unacknowledged: words[6], unsent: words[36], window: words[57],
            segment: words[4], sinceData: words[13],
            sinceAcknowledgement: words[14], bytesAcknowledged: Self.pair(words, 30), bytesReceived: Self.pair(words, 32),
            variation: words[18], pathMTU: words[15])
        #else
        return nil
        #endif
    }
}
