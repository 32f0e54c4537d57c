import NIOCore

/// When a server is dialled again for a session that has lost its connection. A value: what an attempt came to goes in, what is to be done
/// comes out.
struct AttachPace {
    /// The wait after the first attempt that failed; each is twice as long as the one before, up to `longest`.
    static let first = TimeAmount.milliseconds(100)
    static let longest = TimeAmount.seconds(2)
    /// So many attempts in a row that were refused by the server's machine show that the server is gone, and its sessions with it.
    static let refusals = 3

    enum Step: Equatable {
        case again(in: TimeAmount)
        case giveUp
    }

    private var attempts = 0
    private var refused = 0
    private var tookTooLong = 0

    /// How long one attempt may take: three round trips, but two seconds at least. After each that took longer it is twice as much, up to 16
    /// seconds: seconds may wait before a line that is full.
    func limit(_ roundTrip: TimeAmount?) -> TimeAmount {
        max(.seconds(2 << Int64(min(tookTooLong, 3))), roundTrip.map { .nanoseconds($0.nanoseconds * 3) } ?? .zero)
    }

    /// An attempt has taken as long as it may; `failed` is said of it as well.
    mutating func timedOut() { tookTooLong += 1 }

    /// The connection, or an attempt to get another, has failed.
    /// - Parameter isRefusal: Whether the server's machine has said that nobody listens there.
    mutating func failed(isRefusal: Bool) -> Step {
        refused = isRefusal ? refused + 1 : 0
        guard refused < Self.refusals else { return .giveUp }
        defer { attempts += 1 }
        guard attempts > 0 else { return .again(in: .zero) }
        return .again(in: min(Self.longest, Self.first * (1 << Int64(min(attempts - 1, 10)))))
    }
}
