import ArgumentParser
import ConfigurationLanguage
import Pipeline

struct EgressCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "egress", abstract: "Propose rules for where exchanges may go.", subcommands: [EgressLearnCommand.self])
}

struct EgressLearnCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "learn",
        abstract: "Print rules of 'egress' that allow what an access log has seen.",
        discussion: """
            The log is one of 'access-log' in JSON, with hosts. What was refused stays refused. Four names or more below one name \
            become a pattern. The rules are printed with 'mode: observe', so that they refuse nobody until they have been looked at.

            EXAMPLES
              fluidity egress learn access.log
            """)

    @Argument(help: ArgumentHelp("The access log.", valueName: "access-log"))
    var log: String

    func run() async throws {
        try await Reporting.run {
            let traffic = try LoggedTraffic.read(log)
            print(EgressLearning(traffic).yaml, terminator: "")
        }
    }
}

extension LoggedTraffic {
    /// The largest log, in bytes.
    private static let sizeLimit = 1 << 30

    /// Reads a log, and tells what of it can't be read.
    static func read(_ path: String) throws -> LoggedTraffic {
        let traffic = LoggedTraffic(try FileText.bytes(path, limit: sizeLimit))
        if traffic.unreadable > 0 {
            Reporting.write("\(path): \(traffic.unreadable) lines are none of an access log in JSON, and left out")
        }
        if traffic.isCut { Reporting.write("\(path): what is behind the first \(limit) exchanges is left out") }
        guard !traffic.exchanges.isEmpty else {
            throw ConfigurationErrors([
                ConfigurationError(
                    file: path, message: "no line is one of an access log in JSON",
                    hint: "'access-log' writes one with 'format: json'")
            ])
        }
        return traffic
    }
}
