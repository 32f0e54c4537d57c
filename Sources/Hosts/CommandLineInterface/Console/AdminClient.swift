import AsyncHTTPClient
import ConfigurationLanguage
import HTTPMessages
import NIOCore
import NIOHTTP1
import Pipeline

/// Asks the admin listener of a program that runs with a configuration.
struct AdminClient {
    /// What it answered.
    struct Answer {
        var status: UInt
        var body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// Shorter than the five seconds that deployments give a health check.
    private static let patience = TimeAmount.seconds(4)
    /// More is no answer of ours: ten thousand exchanges have three megabytes.
    private static let answerLimit = 16 << 20

    /// Where the program listens for it.
    let listen: ListenAddress
    private let token: Secret?

    /// - Parameter file: The configuration, as the command line names it, whose `admin` says where and with what to ask.
    init(_ file: String, _ options: ConfigurationOptions) throws {
        try self.init(try options.load(file, host: nil, checksFiles: false))
    }

    /// The same for a configuration that was read.
    init(_ configuration: LoadedConfiguration) throws {
        guard let admin = configuration.admin else {
            throw StageError(.configuration, "'\(configuration.file)' has no 'admin': there is nobody to ask")
        }
        if case .tcp(_, 0) = admin.listen {
            throw StageError(
                .configuration, "'admin' listens on a port that the system chooses, so nobody can know whom to ask")
        }
        listen = admin.listen
        token = admin.token
    }

    /// Asks once, and throws where nothing answers.
    /// - Parameter patience: How long it may take: a few seconds, unless what is asked for takes its time.
    func ask(_ path: String, method: String = "GET", patience: TimeAmount = Self.patience) async throws -> Answer {
        var request = HTTPClientRequest(url: Self.url(listen, path))
        request.method = HTTPMethod(rawValue: method)
        // A socket's path gives no host to ask for.
        if case .unix = listen { request.headers.add(name: "Host", value: "localhost") }
        request.headers.add(name: "Fluidity-Operator", value: "command")
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token.revealed)") }
        do {
            let response = try await HTTPClient.shared.execute(request, timeout: patience)
            let body = try await response.body.collect(upTo: Self.answerLimit)
            return Answer(status: response.status.code, body: Array(body.readableBytesView))
        } catch {
            throw StageError(
                .unavailable,
                "nothing answers at \(listen): \(ConnectionFailure.words(for: error)); does it run, with this configuration?")
        }
    }

    /// Asks for a document, and throws with what was answered in place of it.
    func document(_ path: String) async throws -> [UInt8] {
        let answer = try await ask(path)
        guard answer.status == 200 else { throw refused(answer) }
        return answer.body
    }

    /// What is wrong with an answer that no question should get.
    func refused(_ answer: Answer) -> StageError {
        let said = ForeignText.line(answer.text, limit: 300)
        return StageError(
            .unavailable, "what answers at \(listen) answers \(answer.status)\(said.isEmpty ? "" : ": \(said)")")
    }

    /// Where to ask.
    static func url(_ address: ListenAddress, _ path: String) -> String {
        switch address.fromHere {
        case .unix(let socket):
            return "http+unix://\(escaped(socket))\(path)"
        case .tcp(let host, let port):
            return "http://\(HostPort(host: host, port: port))\(path)"
        }
    }

    /// A text as a part of a path, of a query, or in a host's place.
    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                String(Unicode.Scalar(byte))
            default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }.joined()
    }
}
