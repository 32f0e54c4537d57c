import NIOCore
import Pipeline

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What TCP is told of a connection whose other end is far away. Confined to the connection's loop.
///
/// - What the kernel keeps before it has sent any of it is little, so that a small thing needn't wait behind megabytes of a large one.
/// - Packets go out at the rate that `bbr` finds, where the kernel offers it and nobody has chosen otherwise: what others use halves the
///   rate for every packet that is lost.
/// - `bbr` forgets the rate within ten round trips of which none was busy, and may then take seconds to find it again: it tries a quarter
///   more in every eight. A connection that becomes busy after a pause therefore begins anew, as a new connection would, unless the rate is still known.
final class DistantConnection {
    /// From this round trip on the other end counts as far away.
    static let roundTrip = TimeAmount.milliseconds(10)
    /// What may wait in the kernel unsent, in bytes.
    static let unsent = 128 << 10

    private let channel: any Channel
    private let options: any SocketOptionProvider
    private var periods: BusyPeriods
    /// The rate that was found when the connection was last busy for long, in bytes per second.
    private(set) var rate: UInt64 = 0
    private(set) var restarts = 0

    /// Nil where that can't be told to the channel.
    init?(_ channel: any Channel, roundTrip: TimeAmount, choosesCongestionControl: Bool) {
        #if os(Linux)
        guard let options = channel as? any SocketOptionProvider else { return nil }
        self.channel = channel
        self.options = options
        periods = BusyPeriods(pause: max(.seconds(1), roundTrip * 10))
        _ = options.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT), value: Int32(Self.unsent))
        // Who may not use it, or doesn't have it, goes on with what the system has.
        if choosesCongestionControl { _ = CongestionControl.bbr.apply(to: channel) }
        #else
        return nil
        #endif
    }

    /// More waits than the kernel takes.
    func isBusy(_ now: NIODeadline) {
        switch periods.note(now) {
        case .began: estimate { if $0 > 0, $0 < self.rate / 2 || self.rate == 0 { self.restart() } }
        case .settled: estimate { self.rate = $0 }
        case .goesOn: break
        }
    }

    /// What `bbr` believes the rate to be; zero where it isn't used.
    private func estimate(_ use: @escaping (UInt64) -> Void) {
        #if os(Linux)
        // struct tcp_bbr_info: the rate in two halves, the lower one first, then three more words. Others have less to say, or other things.
        options.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_CONGESTION))
            .and(options.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_CC_INFO)))
            .assumeIsolated()
            .whenSuccess { (name: (UInt64, UInt64), information: (UInt32, UInt32, UInt32, UInt32, UInt32)) in
                use(name.0 == CongestionControl.bbr.word ? UInt64(information.1) << 32 | UInt64(information.0) : 0)
            }
        #endif
    }

    /// What is chosen a second time is left as it is, so that another one comes between.
    private func restart() {
        restarts += 1
        _ = CongestionControl.reno.apply(to: channel)
        _ = CongestionControl.bbr.apply(to: channel)
    }
}

@available(*, unavailable)
extension DistantConnection: Sendable {}
