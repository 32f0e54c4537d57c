import NIOCore

/// Who sent wrong credentials lately, and what each client has under way. A value without clock. What is remembered is bounded: clients
/// with nothing under way are forgotten, first those that have been quiet for longest.
struct Guessers: Sendable {
    private struct Record: Sendable {
        /// Verifications that have begun or wait.
        var underWay = 0
        /// Answers that are held back.
        var heldBack = 0
        var suspectUntil: NIODeadline?
        /// Nothing that takes long is begun before that.
        var pausedUntil: NIODeadline?

        func isSuspect(at now: NIODeadline) -> Bool { suspectUntil.map { $0 > now } ?? false }
    }

    /// How long one wrong try makes suspect, and at most many of them.
    private static let suspicion = TimeAmount.seconds(5)
    private static let longestSuspicion = TimeAmount.minutes(5)
    /// Answers that are held back at once: for one client, and for all.
    private static let heldBackShare = 64
    private static let heldBackLimit = 256

    private let capacity: Int
    private var records: [ClientKey: Record] = [:]
    private var heldBack = 0

    init(capacity: Int = 4_096) { self.capacity = capacity }

    /// How many clients are remembered.
    var count: Int { records.count }

    /// Whether a client may have something verified that takes long, and is suspect meanwhile; nil if it has to wait. It has ended when
    /// `end` says so.
    mutating func begin(_ client: ClientKey, _ shares: SlowWork.Shares, at now: NIODeadline) -> Bool? {
        var record = records[client] ?? Record()
        let isSuspect = record.isSuspect(at: now)
        let isPaused = record.pausedUntil.map { $0 > now } ?? false
        guard !isPaused, record.underWay + record.heldBack < (isSuspect ? shares.suspect : shares.trusted) else { return nil }
        record.underWay += 1
        remember(record, client)
        return isSuspect
    }

    mutating func end(_ client: ClientKey) { records[client]?.underWay -= 1 }

    /// A client's credentials were wrong. Whether the answer is held back, until `release` says that it isn't any longer; else the client
    /// may have nothing verified for as long.
    mutating func wasWrong(_ client: ClientKey, delay: TimeAmount, at now: NIODeadline) -> Bool {
        var record = records[client] ?? Record()
        let until = max(record.suspectUntil ?? now, now) + Self.suspicion
        record.suspectUntil = min(until, now + Self.longestSuspicion)
        let isHeldBack = delay > .zero && record.heldBack < Self.heldBackShare && heldBack < Self.heldBackLimit
        if isHeldBack {
            record.heldBack += 1
            heldBack += 1
        } else {
            record.pausedUntil = now + delay
        }
        remember(record, client)
        return isHeldBack
    }

    mutating func release(_ client: ClientKey) {
        guard let held = records[client]?.heldBack, held > 0 else { return }
        records[client]?.heldBack -= 1
        heldBack -= 1
    }

    private mutating func remember(_ record: Record, _ client: ClientKey) {
        if records[client] == nil, records.count >= capacity { forgetOne() }
        records[client] = record
    }

    /// There is always one: what is under way or held back has limits far below the capacity.
    private mutating func forgetOne() {
        let quiet = records.filter { $0.value.underWay == 0 && $0.value.heldBack == 0 }
        let last = quiet.min { ($0.value.suspectUntil ?? .distantPast) < ($1.value.suspectUntil ?? .distantPast) }
        if let last { records[last.key] = nil }
    }
}
