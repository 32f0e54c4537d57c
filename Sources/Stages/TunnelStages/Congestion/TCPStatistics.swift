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

    /// Whether so much waits before a line on the way that what is lost may be what didn't fit.
    var isQueueing: Bool { UInt64(roundTrip) * 10 > UInt64(shortestRoundTrip) * 14 }
}

extension TCPStatistics {
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
            resent: words[25], disordered: words[56])
        #else
        return nil
        #endif
    }
}
