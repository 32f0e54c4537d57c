import ConfigurationLanguage
import HTTPMessages
import NIOCore

/// Requests in a time.
struct RequestLimit: Sendable {
    private let rate: Rate
    private let cost: Int64
    private let burst: Int64
    let burstCount: Int
    private let buckets: TokenBuckets

    init(rate: Rate, burst: Int, buckets: TokenBuckets) {
        self.rate = rate
        self.buckets = buckets
        let tokens = TokenRate(rate.count, in: rate.period.duration)
        cost = tokens.cost(of: 1)
        let (product, overflow) = cost.multipliedReportingOverflow(by: Int64(burst))
        self.burst = overflow ? .max / 4 : min(product, .max / 4)
        burstCount = burst
    }

    func take(_ key: UInt64, now: NIODeadline) -> TokenBuckets.Taken {
        buckets.take(key, cost: cost, burst: burst, now: now.nanoseconds)
    }

    /// What `take` would say. Nothing is taken.
    func look(_ key: UInt64, now: NIODeadline) -> TokenBuckets.Taken {
        buckets.look(key, cost: cost, burst: burst, now: now.nanoseconds)
    }

    /// How many would be granted now.
    func left(_ key: UInt64, now: NIODeadline) -> Int64 {
        (burst - min(burst, buckets.debt(key, now: now.nanoseconds))) / max(1, cost)
    }

    func refusal(by key: RateLimitKey, wait: Int64) -> LocalResponse {
        // The quota is what a full bucket has, the window the time in which an empty one is full again.
        let seconds = RateLimitRefusal.seconds(wait)
        return RateLimitRefusal.response(
            "too many requests: \(rate.printed) \(key.described)", seconds: seconds,
            policy: "\"requests\";q=\(burstCount);w=\(RateLimitRefusal.seconds(burst))",
            state: "\"requests\";r=0;t=\(seconds)")
    }
}

/// Bytes in a time. Exchanges take them in quanta, so that what the loops share isn't touched for each chunk.
struct ByteLimit: Sendable {
    let quantum: Int
    private let tokens: TokenRate
    private let burst: Int64
    private let buckets: TokenBuckets

    init(rate: ByteRate, burst: ByteCount?, buckets: TokenBuckets) {
        self.buckets = buckets
        tokens = rate.tokenRate
        let burstBytes = burst?.bytes ?? max(64 << 10, Int(min(rate.perSecond / 4, 1e12)))
        self.burst = tokens.cost(of: burstBytes)
        // What passes in 50 ms, within bounds.
        quantum = min(max(2 << 10, Int(min(rate.perSecond / 20, 64 * 1_024))), burstBytes)
    }

    /// Takes bytes, and says when they may pass.
    func reserve(_ bytes: Int, _ key: UInt64, now: NIODeadline) -> NIODeadline {
        let ready = buckets.reserve(key, cost: tokens.cost(of: bytes), burst: burst, now: now.nanoseconds)
        return now + .nanoseconds(ready - now.nanoseconds)
    }

    /// How long a byte would have to wait now. Nothing is taken.
    func wait(_ key: UInt64, now: NIODeadline) -> TimeAmount {
        .nanoseconds(max(0, buckets.debt(key, now: now.nanoseconds) - burst))
    }

    func giveBack(_ bytes: Int, _ key: UInt64, now: NIODeadline) {
        buckets.giveBack(key, cost: tokens.cost(of: bytes), now: now.nanoseconds)
    }
}

/// Answers for those who come too often: 429 (RFC 6585, 4) with the fields of draft-ietf-httpapi-ratelimit-headers-10.
enum RateLimitRefusal {
    static func concurrent(_ limit: Int, by key: RateLimitKey) -> LocalResponse {
        response(
            "too many requests at once: \(limit) \(key.described)", seconds: 1,
            policy: "\"concurrent\";q=\(limit);qu=\"concurrent-requests\"", state: "\"concurrent\";r=0")
    }

    static func response(_ sentence: String, seconds: Int64, policy: String, state: String) -> LocalResponse {
        LocalResponse(
            status: 429, body: sentence + "\n", failure: Failure(.excessive, sentence),
            fields: HeaderFields([
                ("Retry-After", "\(seconds)"), ("RateLimit-Policy", policy), ("RateLimit", state),
            ]))
    }

    /// Whole seconds, at least one: a client that comes after them finds what it needs.
    static func seconds(_ nanoseconds: Int64) -> Int64 { max(1, (nanoseconds + 999_999_999) / 1_000_000_000) }
}

extension NIODeadline {
    fileprivate var nanoseconds: Int64 { Int64(clamping: uptimeNanoseconds) }
}
