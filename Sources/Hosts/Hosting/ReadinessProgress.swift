import Pipeline
import Platform

/// Says on a terminal what a pipeline that has started can't work for yet: a tunnel that doesn't come up, mostly.
struct ReadinessProgress {
    let telemetry: Telemetry
    let status: StatusLine

    /// Goes on until the pipeline takes work for the first time, or the task is cancelled. What works within a second is shown nothing of.
    func run() async {
        let clock = ContinuousClock()
        let began = clock.now
        defer { status.clear() }
        while (try? await clock.sleep(for: .seconds(1))) != nil {
            guard telemetry.phase != .draining, let first = await telemetry.problems().first else { return }
            status.show("Not ready after \((clock.now - began).components.seconds) s: \(first) …")
        }
    }
}
