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
/// - It is helped to notice that it has found the rate, which it doesn't while windows hold the sender back: see `RateSearch`.
final class DistantConnection {
    /// From this round trip on the other end counts as far away.
    static let roundTrip = TimeAmount.milliseconds(10)
    /// What may wait in the kernel unsent, in bytes.
    static let unsent = 128 << 10

    private let channel: any Channel
    private let options: any SocketOptionProvider
    private let roundTrip: TimeAmount
    private var periods: BusyPeriods
    private var busyAt = NIODeadline.distantPast
    private(set) var search = RateSearch()
    private var isLookedAt = false
    /// The rate that was found when the connection was last busy for long, in bytes per second.
    private(set) var rate: UInt64 = 0
    private(set) var restarts = 0

    /// Nil where that can't be told to the channel.
    init?(_ channel: any Channel, roundTrip: TimeAmount, choosesCongestionControl: Bool) {
        #if os(Linux)
        guard let options = channel as? any SocketOptionProvider else { return nil }
        self.channel = channel
        self.options = options
        self.roundTrip = roundTrip
        periods = BusyPeriods(pause: max(.seconds(1), roundTrip * 10))
        _ = options.unsafeSetSocketOption(level: .tcp, name: .init(rawValue: TCP_NOTSENT_LOWAT), value: Int32(Self.unsent))
        // Who may not use it, or doesn't have it, goes on with what the system has.
        if choosesCongestionControl { CongestionControl.bbr.applyIfOffered(to: channel) }
        #else
        return nil
        #endif
    }

    /// More waits than the kernel takes, or than the peer's windows allow.
    func isBusy(_ now: NIODeadline) {
        busyAt = now
        switch periods.note(now) {
        case .began:
            follow(search.begin())
            estimate { rate, _ in if rate > 0, rate < self.rate / 2 || self.rate == 0 { self.restart() } }
        case .settled: estimate { rate, _ in self.rate = rate }
        case .goesOn: break
        }
        lookLater()
    }

    private func lookLater() {
        guard !isLookedAt, !search.isOver else { return }
        isLookedAt = true
        channel.eventLoop.assumeIsolated().scheduleTask(in: roundTrip) { [weak self] in self?.look(.now()) }
    }

    private func look(_ now: NIODeadline) {
        isLookedAt = false
        // What is hardly used finds no rate, and isn't to be held.
        guard now - busyAt <= .nanoseconds(roundTrip.nanoseconds * 4) else { return }
        estimate { rate, isSearching in self.follow(self.search.note(rate: rate, isSearching: isSearching)) }
        lookLater()
    }

    func follow(_ step: RateSearch.Step) {
        switch step {
        case .goesOn: break
        case .hold(let rate): limit(rate)
        case .release: limit(.max)
        }
    }

    /// What goes out in a second, in bytes, whatever the algorithm finds.
    private func limit(_ rate: UInt64) {
        #if os(Linux)
        _ = options.unsafeSetSocketOption(level: .socket, name: .init(rawValue: SO_MAX_PACING_RATE), value: rate)
        #endif
    }

    /// What `bbr` believes the rate to be, zero where it isn't used; and whether it is looking for it.
    private func estimate(_ use: @escaping (UInt64, Bool) -> Void) {
        #if os(Linux)
        // struct tcp_bbr_info: the rate in two halves, the lower one first, the shortest round trip, then how much of the rate is
        // sent and how much may be on its way, in 256ths: first 2.89 of it, nothing before there was an answer, and later 1.25 at most.
        // Others have less to say, or other things.
        options.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_CONGESTION))
            .and(options.unsafeGetSocketOption(level: .tcp, name: .init(rawValue: TCP_CC_INFO)))
            .assumeIsolated()
            .whenSuccess { (name: (UInt64, UInt64), information: (UInt32, UInt32, UInt32, UInt32, UInt32)) in
                guard name.0 == CongestionControl.bbr.word else { return use(0, false) }
                use(UInt64(information.1) << 32 | UInt64(information.0), information.3 == 0 || information.3 > 512)
            }
        #endif
    }

    /// What is chosen a second time is left as it is, so that another one comes between.
    private func restart() {
        restarts += 1
        CongestionControl.reno.applyIfOffered(to: channel)
        CongestionControl.bbr.applyIfOffered(to: channel)
    }
}

@available(*, unavailable)
extension DistantConnection: Sendable {}
