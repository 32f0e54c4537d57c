import ArgumentParser
import ConfigurationLanguage
import Pipeline
import Platform

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// `fluidity run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one command whose programs use the agent.",
        discussion: """
            Uses the agent that runs, or starts one for as long as the command takes. Ends with the command's status; where it can't \
            be run, with 126 or 127, as a shell does.

            EXAMPLES
              fluidity run -- curl https://example.com/
              fluidity run -- git clone git@example.org:project.git
            """)

    @Option(name: .shortAndLong, help: "The agent's configuration file.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    @Argument(parsing: .postTerminator, help: "The command, behind '--'.")
    var command: [String] = []

    /// How long an agent may take to listen.
    private static let patience = Duration.seconds(10)

    func validate() throws {
        if command.isEmpty {
            throw ValidationError("what is to be run stands behind '--': fluidity run -- curl https://example.com/")
        }
    }

    func run() async throws {
        var status: Int32 = 0
        try await Reporting.run {
            let proxy = try OwnProxy(config, options)
            var environment = ProcessInfo.processInfo.environment
            for (name, value) in try proxy.variables(program: OwnProgram.path) { environment[name] = value }
            // Ctrl-C is the command's to answer, which stands in the same group of processes.
            signal(SIGINT, SIG_IGN)
            signal(SIGQUIT, SIG_IGN)
            var agent: ChildProcess?
            if !PlainSocket.answers(proxy.address) { agent = try await Self.start(proxy, options) }
            defer { agent?.end() }
            do throws(ChildProcess.Problem) {
                status = try ChildProcess(command, environment).wait()
            } catch {
                Reporting.write("error: \(error.reason)")
                status = error.status
            }
        }
        if status != 0 { throw ExitCode(status) }
    }

    private static func start(_ proxy: OwnProxy, _ options: ConfigurationOptions) async throws -> ChildProcess {
        var arguments = [OwnProgram.path, "agent", "--config", proxy.file, "--log-level", options.logLevel ?? "warning"]
        for setting in options.settings { arguments += ["--set", setting] }
        let agent: ChildProcess
        do throws(ChildProcess.Problem) {
            agent = try ChildProcess(arguments, ProcessInfo.processInfo.environment, ownGroup: true)
        } catch {
            throw StageError(.unavailable, "an agent can't be started: \(error.reason)")
        }
        let end = ContinuousClock.now + patience
        while ContinuousClock.now < end, !agent.hasEnded {
            if PlainSocket.answers(proxy.address) { return agent }
            try? await Task.sleep(for: .milliseconds(20))
        }
        agent.end()
        throw StageError(.unavailable, "the agent that was started doesn't listen at \(proxy.address); its log above says why")
    }
}
