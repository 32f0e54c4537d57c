import ArgumentParser
import ConfigurationLanguage
import NIOCore
import NIOPosix
import Pipeline
import Platform
import TunnelStages

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// `fluidity doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Go the way to the server step by step, and say what is in the way.",
        discussion: """
            Looks at an agent's configuration, the clock, certificates, names, addresses, proxies, TLS on both sides and the first \
            words of the server, with the times that they take, and says at the end whether requests get through. Where they don't, \
            it tries what else this machine could do, and shows the configuration that would. Ends with status 1 where nothing gets \
            through.

            EXAMPLES
              fluidity doctor
              fluidity doctor agent.yaml --idle 120 --throughput http://speed.example/100MB
              fluidity doctor agent.yaml --write better.yaml
            """)

    @Argument(
        help: "The agent's configuration file. Default: the one that 'fluidity agent' takes.",
        completion: .file(extensions: ["yaml", "yml"]))
    var file: String?

    @Flag(help: "Print the findings as JSON.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "Measure how much passes in some seconds each way, with an http URL whose answer is large and that takes a large POST.",
            valueName: "url"))
    var throughput: String?

    @Option(help: ArgumentHelp("Leave a connection idle for so long, and see whether it lives.", valueName: "seconds"))
    var idle: Int?

    @Option(
        help: ArgumentHelp(
            "Write the configuration that works to this file, where the one that was given doesn't.", valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var write: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            var wishes = TunnelTrial.Wishes()
            if let throughput {
                guard let target = ThroughputTarget(throughput) else {
                    throw ValidationError("--throughput is an http URL, such as http://speed.example/100MB, not '\(throughput)'")
                }
                wishes.throughput = target
            }
            if let idle {
                guard (1...86_400).contains(idle) else { throw ValidationError("--idle is a number of seconds from 1 to 86400") }
                wishes.idle = .seconds(idle)
            }
            let file = try ConfigurationPlace.agent.find(file)
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            let isJSON = json
            var examination = Examination(file: file, on: group, logger: .silent, wishes) { if !isJSON { print($0.line) } }
            do {
                // Certificates are looked at apart: what is wrong with them is no reason to say nothing of the way.
                try await examination.run({ try options.load(file, host: .agent) }, text: { try FileText.read(file) })
            } catch {
                try? await group.shutdownGracefully()
                throw error
            }
            try? await group.shutdownGracefully()
            try finish(examination.report)
        }
    }

    private func finish(_ report: DoctorReport) throws {
        if json {
            print(report.json.pretty, terminator: "")
        } else {
            print("\n\(report.verdict)")
            if let better = report.better, write == nil { print("\n\(better)", terminator: "") }
        }
        if let write, let better = report.better {
            do throws(CertificateCommandError) {
                try PrivateFile.write([(URL(fileURLWithPath: write), better)])
            } catch {
                throw StageError(.unavailable, error.message)
            }
            Reporting.write("\(write) has the configuration that works; paths in it start from its folder")
        }
        if !report.works { throw ExitCode(1) }
    }
}
