import ArgumentParser
import AsyncHTTPClient
import ConfigurationLanguage
import HTTPMessages
import NIOCore
import NIOHTTP1
import Pipeline

struct HealthCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask a running agent or server whether it is ready.",
        discussion: """
            Asks the admin listener that the configuration file names, as a container's health check does. Ends with status 0 \
            if it is ready, 1 if it says that it isn't and why, 69 if nothing answers.

            EXAMPLES
              fluidity health --config /etc/fluidity/server.yaml
              fluidity health --config agent.yaml --live
            """)

    @Option(name: .shortAndLong, help: "The configuration file of the agent or server.")
    var config: String

    @Flag(help: "Ask only whether it lives, not whether it is ready.")
    var live = false

    @OptionGroup var options: ConfigurationOptions

    /// Shorter than the five seconds that deployments give a health check.
    private static let patience = TimeAmount.seconds(4)
    /// Reasons are a few lines; more is no answer of ours.
    private static let answerLimit = 64 << 10

    func run() async throws {
        try await Reporting.run {
            guard let admin = try options.load(config, host: nil, checksFiles: false).admin else {
                throw StageError(.configuration, "'\(config)' has no 'admin': there is nobody to ask")
            }
            if case .tcp(_, 0) = admin.listen {
                throw StageError(
                    .configuration, "'admin' listens on a port that the system chooses, so nobody can know whom to ask")
            }
            let path = live ? "/livez" : "/readyz"
            let status: UInt
            let text: String
            do {
                var request = HTTPClientRequest(url: Self.url(admin.listen, path))
                // A socket's path gives no host to ask for.
                if case .unix = admin.listen { request.headers.add(name: "Host", value: "localhost") }
                let response = try await HTTPClient.shared.execute(request, timeout: Self.patience)
                status = response.status.code
                text = String(buffer: try await response.body.collect(upTo: Self.answerLimit))
            } catch {
                throw StageError(
                    .unavailable,
                    "nothing answers at \(admin.listen): \(ConnectionFailure.words(for: error)); does it run, with this configuration?"
                )
            }
            guard status == 200 || status == 503 else {
                throw StageError(
                    .unavailable,
                    "what answers at \(admin.listen) is no admin listener that may be asked by this name: it answers \(status)")
            }
            guard status == 200 else {
                Reporting.write(text)
                throw ExitCode.failure
            }
            print(text, terminator: text.hasSuffix("\n") ? "" : "\n")
        }
    }

    /// Where to ask.
    static func url(_ address: ListenAddress, _ path: String) -> String {
        switch address.fromHere {
        case .unix(let socket):
            let escaped = socket.utf8.map { byte in
                HTTPGrammar.isTokenByte(byte) && byte != UInt8(ascii: "%")
                    ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
            return "http+unix://\(escaped.joined())\(path)"
        case .tcp(let host, let port):
            return "http://\(HostPort(host: host, port: port))\(path)"
        }
    }
}
