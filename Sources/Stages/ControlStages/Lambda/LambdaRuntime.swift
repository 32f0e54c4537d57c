import Logging
import NIOCore
import NIOHTTP1
import Pipeline

/// One invocation, as the Runtime API gives it.
struct LambdaInvocation: Sendable {
    var id: String
    /// Milliseconds of the Unix epoch.
    var deadline: Int64?
    var traceID: String?
    var event: [UInt8]
}

/// The Runtime API: gets invocations and tells what came of them. Connects anew when a kept connection turns out to have
/// ended, which one that was frozen for minutes often has.
actor LambdaRuntime {
    struct Failure: Error, Sendable, CustomStringConvertible {
        var description: String
    }

    private static let prefix = "/2018-06-01/runtime"
    private let host: String
    private let port: Int
    private let loop: any EventLoop
    private let logger: Logger
    private var connection: RuntimeConnection?

    /// `address` is what `AWS_LAMBDA_RUNTIME_API` says: a host and a port.
    init(address: String, loop: any EventLoop, logger: Logger) throws {
        let parts = address.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, !host.isEmpty, parts.count <= 2, let port = parts.count == 2 ? Int(parts[1]) : 80,
            (1...65_535).contains(port)
        else { throw Failure(description: "AWS_LAMBDA_RUNTIME_API is no host and port") }
        self.host = String(host)
        self.port = port
        self.loop = loop
        self.logger = logger
    }

    /// The connection that the last invocation came by.
    var channel: (any Channel)? { connection?.channel }

    func next() async throws -> LambdaInvocation {
        let answer = try await send(.GET, "/invocation/next")
        guard answer.status == 200 else { throw Failure(description: "the Runtime API answered 'next' with \(answer.status)") }
        guard let id = answer.fields.first(name: "Lambda-Runtime-Aws-Request-Id"), Self.isID(id) else {
            throw Failure(description: "the Runtime API gave an invocation without an id")
        }
        return LambdaInvocation(
            id: id, deadline: answer.fields.first(name: "Lambda-Runtime-Deadline-Ms").flatMap { Int64($0) },
            traceID: answer.fields.first(name: "Lambda-Runtime-Trace-Id"), event: Array(answer.body.readableBytesView))
    }

    func reply(_ reply: LambdaReply, to id: String) async throws {
        switch reply {
        case .response(let body) where body.count > LambdaReply.limit:
            try await fail(id, type: "answer_too_large", message: "the answer has more than \(LambdaReply.limit) bytes")
        case .response(let body):
            let answer = try await send(.POST, "/invocation/\(id)/response", ["Content-Type": "application/json"], body)
            switch answer.status {
            case 202: return
            case 413: try await fail(id, type: "answer_too_large", message: "Lambda doesn't take an answer of \(body.count) bytes")
            default: refused("response", answer.status)
            }
        case .failure(let type, let message):
            try await fail(id, type: type, message: message)
        }
    }

    /// The function can't be started.
    func initFailed(type: String, message: String) async throws {
        _ = try await send(.POST, "/init/error", errorFields(type), LambdaReply.errorDocument(type: type, message: message))
    }

    private func fail(_ id: String, type: String, message: String) async throws {
        let document = LambdaReply.errorDocument(type: type, message: message)
        let answer = try await send(.POST, "/invocation/\(id)/error", errorFields(type), document)
        if answer.status != 202 { refused("error", answer.status) }
    }

    private func errorFields(_ type: String) -> HTTPHeaders {
        ["Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": type]
    }

    /// A report that came too late, or for the second time: the invocation is over, and the next is waited for.
    private func refused(_ what: String, _ status: Int) {
        logger.warning("the Runtime API refused a report", metadata: ["report": "\(what)", "status": "\(status)"])
    }

    private func send(
        _ method: HTTPMethod, _ path: String, _ fields: HTTPHeaders = [:], _ body: [UInt8] = []
    ) async throws -> RuntimeResponse {
        for attempt in 1... {
            do {
                let connection = try await connected()
                return try await connection.send(method, Self.prefix + path, fields, body)
            } catch {
                connection?.close()
                connection = nil
                // Of a report it isn't known whether it arrived; the API refuses one that comes twice, and no harm is done.
                guard attempt < 3 else {
                    throw Failure(description: "the Runtime API can't be reached: \(ConnectionFailure.words(for: error))")
                }
                logger.debug("connecting to the Runtime API anew", metadata: ["reason": "\(ConnectionFailure.words(for: error))"])
            }
        }
        throw Failure(description: "the Runtime API can't be reached")
    }

    private func connected() async throws -> RuntimeConnection {
        if let connection, connection.channel.isActive { return connection }
        let fresh = try await RuntimeConnection.open(host: host, port: port, on: loop)
        connection = fresh
        return fresh
    }

    private static func isID(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 128
            && text.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }
}
