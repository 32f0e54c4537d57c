import ConfigurationLanguage
import ControlStages
import NIOCore
import NIOHTTP1
import Pipeline
import ServerWaking

/// The control plane's interface, as an agent's endpoints: the product's own functions behind a gateway.
struct ModelledGateway: ControlTransport {
    let world: World

    func send(
        _ method: HTTPMethod, _ url: EndpointURL, fields: [(name: String, value: String)]
    ) async throws -> ControlAnswer {
        try await world.time.sleep(world.callTime())
        let action = ECSServiceAction(rawValue: String(url.text.split(separator: "/").last ?? "")) ?? .status
        let control = world.control(.interface)
        guard world.wire == .values else { return Self.written(await control.answer(to: action)) }
        do throws(ServiceError) {
            switch action {
            case .wake: return ControlAnswer(Self.value(of: try await control.wake()))
            case .status, .byPath: return ControlAnswer(Self.value(of: try await control.status()))
            case .sleep, .kill: return Self.written(await control.answer(to: action))
            }
        } catch { return Self.written(.error(error)) }
    }

    func shutdown() async {}

    private static func written(_ answer: LocalResponse) -> ControlAnswer {
        ControlAnswer(
            status: answer.head.status, retryAfter: answer.head.fields.first("Retry-After"), body: ByteBuffer(string: answer.body))
    }

    private static func value(of answer: WakeAnswer) -> ControlClient.Wake {
        ControlClient.Wake(
            status: answer.status.rawValue, estimatedStartTime: answer.estimatedStartTime,
            retryAfter: answer.retryAfter.map { Double($0) }, warning: answer.warning)
    }

    private static func value(of answer: StatusAnswer) -> ControlClient.Status {
        var status = ControlClient.Status(status: answer.status.rawValue, ready: answer.ready)
        status.address = answer.address
        status.reason = answer.reason
        status.lastStopReason = answer.lastStopReason
        status.estimatedStartTime = answer.estimatedStartTime
        status.retryAfter = answer.retryAfter.map { Double($0) }
        return status
    }
}
