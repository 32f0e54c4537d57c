import Instruments
import Platform

/// What is counted of the program as its host runs it.
enum ProgramMetrics {
    static let build = MetricDescription(
        .gauge, "fluidity_build_info", "Always 1; the label says which version runs.", labels: ["version"])
    static let generation = MetricDescription(
        .gauge, "fluidity_configuration_generation",
        "The configuration that takes what comes: 1, and one more with each that is used.")
    static let generations = MetricDescription(
        .gauge, "fluidity_configuration_generations_running", "Configurations that run, those included that finish what is open.")
    static let reloads = MetricDescription(
        .counter, "fluidity_reloads_total", "Reloads of the configuration, by what became of it.", labels: ["result"])
    static let lastReload = MetricDescription(
        .gauge, "fluidity_last_reload_timestamp_seconds",
        "When a reload was last decided, in seconds of the Unix epoch; 0 before the first.")

    static let all = [build, generation, generations, reloads, lastReload]

    static func read(_ control: any ProgramControl) -> MetricSnapshot {
        let (generations, reloads) = (control.generations, control.reloads)
        var snapshot = MetricSnapshot()
        snapshot.add(.init(build, 1, [.init("version", ProgramVersion.number)]))
        snapshot.add(.init(generation, Double(generations.last?.number ?? 0)))
        snapshot.add(.init(Self.generations, Double(generations.count)))
        for result in ReloadReport.Result.allCases {
            snapshot.add(.init(Self.reloads, Double(reloads[result] ?? 0), [.init("result", result.rawValue)]))
        }
        snapshot.add(.init(lastReload, Double(control.lastReload?.time ?? 0)))
        return snapshot
    }
}
