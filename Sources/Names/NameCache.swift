import NIOCore
import Pipeline

/// What is known of names, and until when. A value: it gets the time, and asks nobody.
struct NameCache: Sendable {
    /// What the cache says of a name.
    enum Knowledge: Equatable {
        case nothing
        case known(NameAnswer)
        case failed(NameFailure)
        /// Used while it is looked up anew, which is to be begun if it isn't under way.
        case stale(NameAnswer)
    }

    struct Times: Sendable {
        /// No answer is kept for longer, whatever its TTL.
        var longest = TimeAmount.hours(1)
        /// That a name or its address doesn't exist.
        var negative = TimeAmount.seconds(5)
        /// That name servers failed or didn't answer.
        var failure = TimeAmount.seconds(1)
        /// So long after its time an answer is still used while a new one is looked up.
        var stale = TimeAmount.seconds(30)
        /// So long after its time an answer is still used where name servers fail.
        var emergency = TimeAmount.minutes(10)
        /// How long an answer isn't doubted again.
        var doubt = TimeAmount.seconds(5)
    }

    private struct Entry: Sendable {
        var addresses: [IPAddress]
        var failure: NameFailure?
        var stored: NIODeadline
        /// When it is to be looked up anew.
        var expires: NIODeadline
        /// Until when it is used in place of waiting.
        var usable: NIODeadline
        /// Until when it is used in place of a failure.
        var lasts: NIODeadline
    }

    private let times: Times
    private var entries: ClockTable<String, Entry>

    /// - Parameter limit: How many names are remembered.
    init(limit: Int = 4_096, times: Times = Times()) {
        self.times = times
        entries = ClockTable(limit: limit)
    }

    var count: Int { entries.count }

    /// What is known of a name.
    mutating func look(_ name: String, at now: NIODeadline) -> Knowledge {
        guard let entry = entries[name] else { return .nothing }
        if let failure = entry.failure { return now < entry.expires ? .failed(failure) : .nothing }
        if now < entry.expires { return .known(NameAnswer(entry.addresses)) }
        return now < entry.usable ? .stale(NameAnswer(entry.addresses, isStale: true)) : .nothing
    }

    /// A look-up found addresses, that may be kept for `ttl`; not at all without.
    mutating func found(_ addresses: [IPAddress], for name: String, ttl: TimeAmount, at now: NIODeadline) {
        guard ttl > .zero else {
            entries[name] = nil
            return
        }
        let expires = now + min(ttl, times.longest)
        entries[name] = Entry(
            addresses: addresses, stored: now, expires: expires, usable: expires + times.stale, lasts: expires + times.emergency)
    }

    /// A look-up found none.
    /// - Returns: What is known instead: addresses from before, where name servers failed and said nothing for certain.
    mutating func failed(_ failure: NameFailure, for name: String, at now: NIODeadline) -> NameAnswer? {
        if !failure.isCertain, var entry = entries[name], entry.failure == nil, now < entry.lasts {
            // Asked again soon, and used meanwhile.
            entry.expires = now + times.doubt
            entry.usable = max(entry.usable, min(entry.expires + times.stale, entry.lasts))
            entries[name] = entry
            return NameAnswer(entry.addresses, isStale: true)
        }
        guard !failure.isOfThisMachine else { return nil }
        let expires = now + (failure.isCertain ? times.negative : times.failure)
        entries[name] = Entry(addresses: [], failure: failure, stored: now, expires: expires, usable: expires, lasts: expires)
        return nil
    }

    /// None of a name's addresses took a connection: the next who wants them has them looked up anew, and uses them meanwhile.
    mutating func doubt(_ name: String, at now: NIODeadline) {
        guard var entry = entries[name], entry.failure == nil, now < entry.expires, now - entry.stored >= times.doubt else {
            return
        }
        entry.expires = now
        entry.usable = now + times.stale
        entry.stored = now
        entries[name] = entry
    }
}
