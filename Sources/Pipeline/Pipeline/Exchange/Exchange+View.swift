import HTTPMessages
import NIOCore

extension Exchange {
    /// What is shown of it while it is open.
    func view(at now: NIODeadline) -> OpenExchange {
        OpenExchange(
            id: id, client: clientName, remote: client.remote, method: request.method, target: request.authority, route: route,
            stage: progress.place?.place, status: response?.status, age: (now - began).nanoseconds / 1_000_000,
            received: requestBytes, sent: responseBytes)
    }
}
