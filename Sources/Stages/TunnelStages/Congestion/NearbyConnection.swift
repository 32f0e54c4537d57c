import NIOCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What TCP is told of a connection whose other end is on the same machine, or next to it.
///
/// `bbr`, where it is the system's default, sends by a timer, every few packets. That keeps queues in networks short; on a way that
/// has none, the timers cost up to a fifth of the processor's time. `reno` sends when there is room, and how it behaves where packets
/// are lost hardly matters when they are sent again within a millisecond. Any other default is left as it is.
enum NearbyConnection {
    /// Below this round trip the other end counts as next to this machine.
    static let roundTrip = TimeAmount.milliseconds(1)

    /// Sees to it that a connection, or all that a listener accepts from now on, sends without timers.
    static func tune(_ channel: any Channel) {
        #if os(Linux)
        guard let options = channel as? any SocketOptionProvider else { return }
        options.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_CONGESTION))
            .assumeIsolated()
            .whenSuccess { (name: (UInt64, UInt64)) in
                guard name.0 == CongestionControl.bbr.word else { return }
                CongestionControl.reno.applyIfOffered(to: channel)
            }
        #endif
    }

    /// The same for a connection that was just made, and has what the system makes of all: it needn't be asked.
    static func tune(new channel: any Channel) {
        if isDefaultTimed { CongestionControl.reno.applyIfOffered(to: channel) }
    }

    /// The same, if the other end is that near.
    static func tune(_ channel: any Channel, roundTrip: TimeAmount) {
        if roundTrip < self.roundTrip { tune(channel) }
    }

    /// Whether new connections send by a timer, as it was when this was first asked.
    private static let isDefaultTimed: Bool = {
        #if os(Linux)
        guard let file = fopen("/proc/sys/net/ipv4/tcp_congestion_control", "re") else { return false }
        defer { fclose(file) }
        var name: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &name) { bytes in
            let count = fread(bytes.baseAddress, 1, 15, file)
            // The line's end.
            if count > 0 { bytes[count - 1] = 0 }
        }
        return name.0 == CongestionControl.bbr.word
        #else
        return false
        #endif
    }()
}
