package import NIOCore
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// The ECS agent beside a task, at the address that its containers have in `ECS_AGENT_URI`: it protects the task that it is asked from.
package struct TaskAgent: Sendable {
    /// What came of a wish to protect the task, or not to.
    package enum Outcome: Sendable, Equatable {
        /// It is done.
        case done
        /// The service wants fewer tasks than are protected already, or the task is about to end: it is stopped, or another one is.
        case blocked(String)
        /// The task's role doesn't allow it.
        case denied(String)
        /// It isn't known whether it is done.
        case failed(String)
    }

    private let url: SignedURL
    private let transport: any AWSTransport

    /// The agent of the task that this process runs in; nil where there is none.
    package init?(environment: [String: String], transport: any AWSTransport) {
        guard let base = environment["ECS_AGENT_URI"], !base.isEmpty, let url = SignedURL(base) else { return nil }
        self.url = url.appending("/task-protection/v1/state")
        self.transport = transport
    }

    /// Protects the task for so many minutes from now on, or no longer at all.
    package func protect(minutes: Int?, deadline: NIODeadline) async -> Outcome {
        let wish = Wish(protectionEnabled: minutes != nil, expiresInMinutes: minutes.map { min(max($0, 1), 2_880) })
        guard let body = try? JSONEncoder.aws(capitalized: true).encode(wish) else {
            return .failed("the wish can't be written as JSON")
        }
        let response: AWSResponse
        do {
            response = try await transport.send(
                AWSRequest(
                    method: "PUT", url: url, fields: [(name: "Content-Type", value: "application/json")], body: Array(body)),
                deadline: deadline)
        } catch { return .failed("the ECS agent can't be reached: \(ConnectionFailure.words(for: error))") }
        return Self.outcome(response, wanted: minutes != nil)
    }

    private static func outcome(_ response: AWSResponse, wanted: Bool) -> Outcome {
        let answer = try? JSONDecoder.aws.decode(Answer.self, from: Data(response.body))
        if response.status == 200, let protection = answer?.protection, protection.protectionEnabled == wanted { return .done }
        if let failure = answer?.failure {
            return .blocked(ForeignText.line("\(failure.reason ?? "refused") \(failure.detail ?? "")", limit: 200))
        }
        let words = answer?.error.map { ForeignText.line("\($0.code ?? "") \($0.message ?? "")", limit: 200) }
        let reason = words ?? "the ECS agent answered with \(response.status)"
        let isDenied = answer?.error?.code?.hasPrefix("AccessDenied") == true || response.status == 403 || response.status == 401
        return isDenied ? .denied(reason) : .failed(reason)
    }

    private struct Wish: Encodable {
        var protectionEnabled: Bool
        var expiresInMinutes: Int?
    }

    private struct Answer: Decodable {
        var protection: Protection?
        var failure: Failure?
        var error: Problem?
    }

    private struct Protection: Decodable { var protectionEnabled: Bool? }

    private struct Failure: Decodable {
        var reason: String?
        var detail: String?
    }

    private struct Problem: Decodable {
        var code: String?
        var message: String?
    }
}
