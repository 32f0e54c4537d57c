import AWS
import ControlStages
import NIOCore
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

/// AWS as one of its callers sees it, over the wire.
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

/// The same AWS without JSON between.
struct ModelledAWSValues: AWSValueTransport {
    let wire: ModelledAWS

    func send(_ request: AWSRequest, deadline: NIODeadline) async throws -> AWSResponse {
        try await wire.send(request, deadline: deadline)
    }

    func answer(_ call: AWSCall, deadline: NIODeadline) async throws -> AWSResult {
        try await wire.world.time.sleep(wire.world.callTime())
        return wire.world.answer(call, to: wire.caller)
    }
}
