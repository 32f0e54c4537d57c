/// Keeps retries at a share of requests, so that an origin in trouble isn't asked many times as often as otherwise. Every
/// request pays in a part of a retry, every retry costs a whole one; no more than a few are saved up.
struct RetryBudget {
    private static let whole = 1_000_000

    private let share: Int
    private let most: Int
    private(set) var saved: Int

    /// - Parameters:
    ///   - ratio: retries for each request, in the long run.
    ///   - burst: retries that can be had at once, and at the start.
    init(ratio: Double, burst: Int) {
        share = Int(ratio * Double(Self.whole))
        most = burst * Self.whole
        saved = most
    }

    mutating func request() { saved = min(most, saved + share) }

    /// Whether there may be a retry now. If so, it is paid for.
    mutating func withdraw() -> Bool {
        guard saved >= Self.whole else { return false }
        saved -= Self.whole
        return true
    }
}
