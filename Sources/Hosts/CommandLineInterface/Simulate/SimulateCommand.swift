import AWS
import ArgumentParser
import ConfigurationLanguage
import ControlStages
import Pipeline
import Simulation

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

struct SimulateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "simulate",
        abstract: "Try when the server would sleep and what it would cost, in a model of AWS.",
        discussion: """
            The file is a control plane's, with the stage 'ecs-service'. Its own functions and the agents' own driver run as they \
            are, in virtual time, on a model of ECS and CloudWatch. The report says how long the server would be up, what that \
            costs, which uses would be cut, how long people would wait, and when and why. The same options give the same report.

            A trace has a row for each use: start,agent,kind,duration,bytes. Start and duration are seconds, or the start a time such \
            as 2026-11-30T09:15:00Z; kind is request, transfer, events (an event stream) or silent (a stream in which nothing moves). \
            Without a trace people are made up: --pattern says how they are.

            FAULTS, as NAME, NAME=VALUE or NAME=VALUE@2h-5h
            \(faults)

            EXAMPLES
              fluidity simulate configs/control.yaml
              fluidity simulate configs/control.yaml --pattern returning --days 30 --set pipeline.ecs-service.idle-threshold=30m
              fluidity simulate configs/control.yaml --trace uses.csv --kill-at 23:00 --fault late-reports=4m
            """)

    private static var faults: String {
        Fault.names.map { fault in
            let form = fault.name + (fault.value.map { "=\($0.uppercased())" } ?? "")
            return "  " + form + String(repeating: " ", count: max(1, 26 - form.count)) + fault.what
        }.joined(separator: "\n")
    }

    @Argument(help: "The control plane's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var file: String

    @Option(
        help: ArgumentHelp(
            "An agent's file, whose 'lifecycle' its agents have; by default the values of that key.", valueName: "file"))
    var agent: String?

    @Option(help: ArgumentHelp("Who uses the server, and when: a file of comma-separated values.", valueName: "csv"))
    var trace: String?

    @Option(help: "How people are without a trace: office, bursty, returning, sparse, transfers, streams or none.")
    var pattern = UsePattern.office

    @Option(help: ArgumentHelp("How many agents there are without a trace.", valueName: "count"))
    var agents = 1

    @Option(help: ArgumentHelp("How many days; by default 30, or those of the trace.", valueName: "count"))
    var days: Int?

    @Option(help: ArgumentHelp("What chance begins with.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("How long after a report CloudWatch gives it.", valueName: "time"))
    var metricsDelay = "60s"

    @Option(help: ArgumentHelp("How often the server reports.", valueName: "time"))
    var reportInterval = "60s"

    @Option(help: ArgumentHelp("How often it is looked whether the server is idle.", valueName: "time"))
    var checkInterval = "5m"

    @Option(help: ArgumentHelp("When the server is stopped in any case, every day; by default never.", valueName: "hh:mm"))
    var killAt: String?

    @Option(help: ArgumentHelp("How long tasks take to start, from the shortest to the longest.", valueName: "time-time"))
    var startTime = "20s-90s"

    @Option(help: ArgumentHelp("How long a server runs on average until it crashes; by default none does.", valueName: "time"))
    var crashAfter: String?

    @Option(
        help: ArgumentHelp(
            "How long a task runs on average until Spot takes it back; by default none is on Spot.", valueName: "time"))
    var spotAfter: String?

    @Option(
        help: ArgumentHelp(
            "What a task costs an hour, its address included; by default the file's 'cost', else that of the smallest one.",
            valueName: "amount"))
    var price: Double?

    @Option(help: ArgumentHelp("Something that goes wrong; may be given often.", valueName: "fault"))
    var fault: [String] = []

    @Flag(help: "Write the report as JSON, with all moments.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            let scenario = try scenario()
            let report = SimulationReport(World.run(scenario), of: scenario)
            print(json ? report.json.pretty : report.text(), terminator: "")
        }
    }

    private func scenario() throws -> Scenario {
        var scenario = Scenario(service: try service(), lifecycle: try lifecycle())
        scenario.seed = seed
        scenario.metricsDelay = try seconds(metricsDelay, "--metrics-delay", 0...3_600)
        scenario.reportInterval = try seconds(reportInterval, "--report-interval", 1...3_600)
        scenario.checkInterval = try seconds(checkInterval, "--check-interval", 10...86_400)
        scenario.crashInterval = try crashAfter.map { try seconds($0, "--crash-after", 1...1e9) }
        scenario.reclaimInterval = try spotAfter.map { try seconds($0, "--spot-after", 1...1e9) }
        scenario.startTime = try startTimes()
        scenario.killTime = try killAt.map(timeOfDay)
        if let cost = scenario.service.limits.cost { scenario.pricePerHour = cost.perHour }
        if let price {
            guard price.isFinite, (0...1_000).contains(price) else {
                throw ValidationError("--price is an amount for an hour, 1000 at most")
            }
            scenario.pricePerHour = price
        }
        for text in fault {
            do throws(Fault.Problem) { scenario.faults.append(try Fault(text)) } catch {
                throw ValidationError("--fault: \(error.message)")
            }
        }
        guard (1...1_000).contains(agents) else { throw ValidationError("--agents is a number from 1 to 1000") }
        if let days, !(1...UseTrace.longestDays).contains(days) {
            throw ValidationError("--days is a number from 1 to \(UseTrace.longestDays)")
        }
        if let trace {
            let read = try uses(of: trace)
            scenario.days = days ?? read.days
            scenario.uses = read.uses.filter { $0.start < Double(scenario.days) * 86_400 }
        } else {
            scenario.days = days ?? 30
            scenario.uses = pattern.uses(days: scenario.days, agents: agents, seed: seed)
        }
        return scenario
    }

    // MARK: - Files

    /// The settings of the file's `ecs-service`, for the model's service: which one it is doesn't matter here.
    private func service() throws -> ServiceSettings {
        let loaded = try options.load(file, host: nil, checksFiles: false, standingIn: Self.standIns)
        // A file that doesn't ask for what stands in has nothing wrong with it.
        for warning in loaded.warnings where Self.standIns[warning.file] == nil { Reporting.write(warning.description) }
        guard var configuration = loaded.stages.lazy.compactMap({ $0.configuration as? ECSServiceConfiguration }).first else {
            throw ConfigurationErrors([
                ConfigurationError(
                    file: file, message: "there is no stage 'ecs-service', which decides about sleep",
                    hint: "give a control plane's file, configs/control.yaml say")
            ])
        }
        configuration.cluster = "fluidity"
        configuration.service = "fluidity-server"
        configuration.metricsService = nil
        configuration.region = nil
        return try ServiceSettings(configuration, environment: ProcessInfo.processInfo.environment)
    }

    /// What a control plane's file needs from its surroundings and a simulation doesn't.
    private static let standIns = [
        "CLUSTER": "fluidity", "SERVICE": "fluidity-server", "FLUIDITY_CONTROL_KEY": "a-key-that-nobody-sends-to-a-model",
    ]

    private func lifecycle() throws -> LifecycleSettings {
        var settings = LifecycleSettings()
        if let agent {
            let loaded = try options.loader().load(path: agent, host: .agent)
            guard let lifecycle = loaded.lifecycle else {
                throw ConfigurationErrors([
                    ConfigurationError(
                        file: agent, message: "there is no 'lifecycle': its agents wake nobody",
                        hint: "leave out --agent, or add the key")
                ])
            }
            settings = lifecycle
        }
        settings.wakeEndpoint = try EndpointURL(configured: "https://model.invalid/wake")
        settings.killEndpoint = try EndpointURL(configured: "https://model.invalid/kill")
        settings.statusEndpoint = try EndpointURL(configured: "https://model.invalid/status")
        return settings
    }

    private func uses(of path: String) throws -> UseTrace {
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch {
            throw ConfigurationErrors([
                ConfigurationError(file: path, message: "the trace can't be read: \(FileProblem.reason(error))")
            ])
        }
        do throws(UseTrace.Problem) { return try UseTrace(text) { AWSTime.parse($0) } } catch {
            throw ConfigurationErrors([
                ConfigurationError(file: path, position: SourcePosition(line: error.line, column: 1), message: error.message)
            ])
        }
    }

    // MARK: - Values

    private func seconds(_ text: String, _ option: String, _ range: ClosedRange<Double>) throws -> Double {
        let seconds: Double
        do throws(InvalidValue) { seconds = try Duration(configured: text) / .seconds(1) } catch {
            throw ValidationError("\(option) is a time such as 90s, 5m or 2h, not '\(text)'")
        }
        guard range.contains(seconds) else {
            let (least, most) = (Duration.seconds(range.lowerBound).printed, Duration.seconds(range.upperBound).printed)
            throw ValidationError("\(option) is a time from \(least) to \(most), not '\(text)'")
        }
        return seconds
    }

    private func startTimes() throws -> ClosedRange<Double> {
        let parts = startTime.split(separator: "-").map(String.init)
        guard parts.count == 2 else { throw ValidationError("--start-time is two times, as in 20s-90s") }
        let (least, most) = (try seconds(parts[0], "--start-time", 0...3_600), try seconds(parts[1], "--start-time", 0...3_600))
        guard least <= most else { throw ValidationError("--start-time has the shortest start first, as in 20s-90s") }
        return least...most
    }

    private func timeOfDay(_ text: String) throws -> Double {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count == 2, let hour = parts[0], let minute = parts[1], (0...23).contains(hour), (0...59).contains(minute)
        else {
            throw ValidationError("--kill-at is a time of day such as 23:00, not '\(text)'")
        }
        return Double(hour * 3_600 + minute * 60)
    }
}

extension UsePattern: ExpressibleByArgument {}
