import ConfigurationLanguage
import NIOCore
import Pipeline

extension RateLimitStage {
    /// What is left of each limit for whom the exchange would count.
    func outlook(for prospect: ExchangeProspect) async -> StageOutlook {
        guard let key = key.value(for: prospect) else {
            return StageOutlook(details: [
                .init(name: "limits", value: "a client with a certificate is known by its key alone, which isn't asked about")
            ])
        }
        var outlook = StageOutlook()
        let now = NIODeadline.now()
        func refuse(_ sentence: String) {
            if mode == .enforce { outlook.refusal = outlook.refusal ?? sentence }
        }
        if let requests {
            let left = requests.left(key, now: now)
            outlook.details.append(.init(name: "requests left", value: "\(left) of \(requests.burstCount)"))
            if left == 0, case .refused(let wait) = requests.look(key, now: now) {
                refuse(requests.refusal(by: self.key, wait: wait).failure?.message ?? "too many requests")
            }
        }
        if let (limit, counts) = concurrent {
            let open = counts.count(key)
            outlook.details.append(.init(name: "open at once", value: "\(open) of \(limit)"))
            if open >= limit { refuse(RateLimitRefusal.concurrent(limit, by: self.key).failure?.message ?? "too many at once") }
        }
        for (name, limit) in [("download", download), ("upload", upload)] {
            guard let limit else { continue }
            let wait = limit.wait(key, now: now)
            outlook.details.append(
                .init(name: "\(name) waits", value: wait > .zero ? Duration(wait).printed : "not at all"))
        }
        return outlook
    }
}

extension Duration {
    fileprivate init(_ time: TimeAmount) { self = .milliseconds((time.nanoseconds + 999_999) / 1_000_000) }
}
