import Addresses
import ArgumentParser
import ConfigurationLanguage
import HTTPMessages
import NIOCore
import Pipeline
import Platform

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say what would become of one request, stage by stage, without sending it.",
        discussion: """
            The request goes through the stages of the file as they are: each says what it does with it, and which line of \
            the file decided. Given an agent's file and a server's, it goes on through the server. Nothing is looked up, dialled or \
            fetched; an origin that it would reach is taken to answer 200.

            With CONNECT the URL is HOST:PORT. Limits and circuits are those of a program that has just begun; with --live those \
            programs are asked as well that run with the files, by their admin listeners: what of their limits is left, which \
            circuits are open, which sessions there are. They are told the host and the client, never the path.

            EXAMPLES
              fluidity explain agent.yaml server.yaml GET http://example.com/
              fluidity explain server.yaml GET http://example.com/ --live --client-name laptop
              fluidity explain server.yaml CONNECT example.com:443 --client-name laptop --resolve 10.0.0.7 --at 2026-12-24T23:30
            """)

    @Argument(help: "The configuration file, or an agent's and a server's; then the method and the URL.")
    var words: [String]

    @Option(help: ArgumentHelp("The common name in the client's certificate, where one is asked for.", valueName: "name"))
    var clientName: String?

    @Option(help: ArgumentHelp("The client's address.", valueName: "address:port"))
    var client = "192.0.2.1:50000"

    @Option(
        name: .customLong("header"), help: ArgumentHelp("A field of the request, such as 'Accept: text/html'.", valueName: "field"))
    var headers: [String] = []

    @Option(
        help: ArgumentHelp("The time that it is taken to be: 2026-12-24T23:30 here, 2026-12-24T22:30Z in UTC.", valueName: "time"))
    var at: String?

    @Option(help: ArgumentHelp("The address that the host's name leads to.", valueName: "address"))
    var resolve: String?

    @Flag(help: "Also ask the programs that run with these files how they are.")
    var live = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        try await Reporting.run {
            guard (3...4).contains(words.count) else {
                throw ValidationError(
                    "explain wants a file or two, a method and a URL: fluidity explain agent.yaml server.yaml GET http://example.com/"
                )
            }
            let configurations = try words.dropLast(2).map { try options.load($0, host: nil, checksFiles: false) }
            for warning in configurations.flatMap(\.warnings) { Reporting.write(warning.description) }
            let question = try question()
            var explanation = try await Explanation.make(question, through: try Self.inOrder(configurations), logger: .quiet)
            if live { explanation = await explanation.askingRunning(question) }
            print(json ? explanation.json + "\n" : explanation.text, terminator: "")
            if live, explanation.isWithoutLive {
                throw StageError(.unavailable, "no program that runs with this could be asked how things are")
            }
        }
    }

    private func question() throws -> Explanation.Question {
        let (method, url) = (words[words.count - 2], words[words.count - 1])
        var fields = HeaderFields()
        for header in headers {
            let parts = header.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, fields.append(String(parts[0]), String(parts[1].drop { $0 == " " })) else {
                throw ValidationError("--header wants 'Name: value', not '\(header)'")
            }
        }
        guard let request = RequestHead(method: method, url: url, fields: fields) else {
            throw ValidationError(
                "'\(url)' is no URL that a client could ask for; write http://HOST/PATH, or HOST:PORT with CONNECT")
        }
        var question = Explanation.Question(request)
        question.clientName = clientName
        question.remote = client
        if let resolve {
            let port = Authority(request.authority)?.port ?? request.scheme.defaultPort
            guard let address = try? SocketAddress(ipAddress: resolve, port: port) else {
                throw ValidationError("--resolve wants an address such as 10.0.0.7, not '\(resolve)'")
            }
            question.address = address
        }
        if let at {
            guard let time = LocalTime.epoch(of: at) else {
                throw ValidationError("--at wants a time such as 2026-12-24T23:30, or 2026-12-24T22:30Z, not '\(at)'")
            }
            question.time = time
        }
        return question
    }

    /// An agent in front of its server, however they were named.
    static func inOrder(_ configurations: [LoadedConfiguration]) throws -> [LoadedConfiguration] {
        guard configurations.count == 2 else { return configurations }
        func leads(_ one: LoadedConfiguration, to other: LoadedConfiguration) -> Bool {
            one.sinks.contains { $0.form.input == .outbound } && other.stages.first?.form.output == .inbound
        }
        if leads(configurations[0], to: configurations[1]) { return configurations }
        if leads(configurations[1], to: configurations[0]) { return configurations.reversed() }
        throw ValidationError(
            "two files are an agent's and a server's; '\(configurations[0].file)' doesn't lead to '\(configurations[1].file)'")
    }
}
