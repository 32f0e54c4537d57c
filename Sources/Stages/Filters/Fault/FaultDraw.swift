import ConfigurationLanguage
import NIOCore

/// What happens to one exchange, as chance had it.
struct FaultPlan: Equatable {
    var delay: TimeAmount?
    var aborts = false
    /// How many bytes of a body pass.
    var cutRequest: Int?
    var cutResponse: Int?
    /// Bytes in a second.
    var requestRate: Int?
    var responseRate: Int?
    var corruptsRequest = false
    var corruptsResponse = false

    var changesBodies: Bool {
        cutRequest != nil || cutResponse != nil || requestRate != nil || responseRate != nil || corruptsRequest
            || corruptsResponse
    }
}

/// Chance for the exchanges of one event loop, from a seed or not: SplitMix64, for it must repeat itself, not keep secrets.
struct FaultDraw: RandomNumberGenerator {
    private var state: UInt64

    init(seed: Int?, loop: Int) {
        state = seed.map { UInt64(bitPattern: Int64($0)) } ?? .random(in: 0 ... .max)
        state &+= UInt64(loop) &* 0xD1B5_4A32_D192_ED03
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// Draws once for each fault that is configured, in a fixed order.
    mutating func plan(_ configuration: FaultConfiguration) -> FaultPlan {
        var plan = FaultPlan()
        if let latency = configuration.latency, happens(latency.probability) {
            let jitter = TimeAmount(latency.jitter).nanoseconds
            plan.delay = TimeAmount(latency.delay) + .nanoseconds(jitter > 0 ? .random(in: 0...jitter, using: &self) : 0)
        }
        if let abort = configuration.abort { plan.aborts = happens(abort.probability) }
        if let truncate = configuration.truncate, happens(truncate.probability) {
            if truncate.of.hasRequest { plan.cutRequest = truncate.after.bytes }
            if truncate.of.hasResponse { plan.cutResponse = truncate.after.bytes }
        }
        if let throttle = configuration.throttle, happens(throttle.probability) {
            if throttle.of.hasRequest { plan.requestRate = throttle.rate.bytes }
            if throttle.of.hasResponse { plan.responseRate = throttle.rate.bytes }
        }
        if let corrupt = configuration.corrupt, happens(corrupt.probability) {
            plan.corruptsRequest = corrupt.of.hasRequest
            plan.corruptsResponse = corrupt.of.hasResponse
        }
        return plan
    }

    private mutating func happens(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &self) < probability
    }
}

/// How much of a body may pass by a time. No more is saved up than a tenth of a second's.
struct FaultThrottle {
    private let rate: Double
    private var available = 0.0
    private var last: NIODeadline

    init(rate: Int, now: NIODeadline) {
        self.rate = Double(rate)
        last = now
    }

    mutating func take(upTo count: Int, now: NIODeadline) -> Int {
        available = min(max(1, rate / 10), available + rate * Double((now - last).nanoseconds) / 1e9)
        last = now
        let taken = min(count, Int(available))
        available -= Double(taken)
        return taken
    }
}
