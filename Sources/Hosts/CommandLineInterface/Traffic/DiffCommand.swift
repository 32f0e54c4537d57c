import ArgumentParser
import Pipeline

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what two configurations do differently.",
        discussion: """
            Every value that isn't the same is shown with its places. With an access log in JSON, its exchanges are carried through the stages of \
            both, without a network, and those that would be treated differently are counted and shown by example. Where names lead to, passwords \
            and tokens aren't in a log, so that rules on addresses and logins decide as for nobody.

            The status is 0 whatever differs.

            EXAMPLES
              fluidity diff server.yaml server-new.yaml --traffic access.log
            """)

    @Argument(help: "The configuration as it is.")
    var old: String

    @Argument(help: "The configuration as it is to be.")
    var new: String

    @Option(help: ArgumentHelp("An access log whose exchanges are tried on both.", valueName: "access-log"))
    var traffic: String?

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            let before = try options.load(old, host: nil, checksFiles: false)
            let after = try options.load(new, host: nil, checksFiles: false)
            for warning in before.warnings + after.warnings { Reporting.write(warning.description) }
            print(ConfigurationDifference(old: before, new: after).text, terminator: "")
            guard let traffic else { return }
            let difference = try await TrafficDifference.make(
                try LoggedTraffic.read(traffic), old: before, new: after, logger: .quiet)
            print(difference.text(), terminator: "")
        }
    }
}
