import NIOCore
import Pipeline

extension CircuitBreakerStage {
    /// How the circuit of the exchange's origin is.
    func outlook(for prospect: ExchangeProspect) async -> StageOutlook {
        let origin = CircuitBreakerPort.origin(prospect.authority, defaultPort: 80)
        switch table.state(of: origin) {
        case .closed: return StageOutlook(details: [.init(name: "circuit", value: "closed")])
        case .halfOpen(let probing, _):
            return StageOutlook(details: [.init(name: "circuit", value: "half open, \(probing) tries are under way")])
        case .open(let until):
            let left = max(0, ((until - .now()).nanoseconds + 999_999_999) / 1_000_000_000)
            return StageOutlook(
                refusal: mode == .enforce && left > 0 ? "'\(origin)' has failed too often; it is asked again in \(left) s" : nil,
                details: [.init(name: "circuit", value: "open for \(left) s more")])
        }
    }
}
