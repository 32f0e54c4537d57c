import AWS
import ConfigurationLanguage
import ControlStages
import Logging
import NIOCore
import NIOHTTP1
import Pipeline
import ServerWaking

/// One agent's process: the product's own driver, and what the model knows of its connection.
struct ModelledAgent: Sendable {
    /// Which of its lives it is in, from 1.
    var life = 0
    var presence: ServerPresence?
    var driver: LifecycleDriver?
    var running: Task<Void, Never>?
    /// The task that it is connected to, or is about to be.
    var server: Int?
    var isConnecting = false
    /// The uses that wait for the server.
    var waiting: [Int] = []

    var isUp: Bool { server != nil && !isConnecting }
}

/// The control plane's interface, as an agent's endpoints: the product's own functions behind a gateway.
struct ModelledGateway: ControlTransport {
    let world: World

    func send(_ method: HTTPMethod, _ url: EndpointURL, key: Secret?) async throws -> ControlAnswer {
        try await world.time.sleep(world.callTime())
        let action = ECSServiceAction(rawValue: String(url.text.split(separator: "/").last ?? "")) ?? .status
        let answer = await world.control(.interface).answer(to: action)
        return ControlAnswer(
            status: answer.head.status, retryAfter: answer.head.fields.first("Retry-After"), body: ByteBuffer(string: answer.body))
    }

    func shutdown() async {}
}

/// AWS as one of its callers sees it.
struct ModelledAWS: AWSTransport {
    /// Who calls: changes are put down to it.
    enum Caller: Sendable, Hashable {
        case sleep
        case kill
        case interface
        case server(Int)
    }

    let world: World
    let caller: Caller

    func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
        try await world.time.sleep(world.callTime())
        return world.answer(request, to: caller)
    }
}
