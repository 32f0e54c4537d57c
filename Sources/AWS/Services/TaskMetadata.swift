package import NIOCore
import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// What the task metadata endpoint (version 4), which ECS gives every container, says of the task.
package struct TaskMetadata: Sendable, Decodable {
    /// The cluster's name or ARN.
    package var cluster: String
    /// The task's ARN.
    package var taskARN: String
    /// What the task is to become: `RUNNING` or `STOPPED`.
    package var desiredStatus: String?
    /// The name of the service that the task belongs to, where the endpoint knows it.
    package var serviceName: String?

    private enum CodingKeys: String, CodingKey {
        case cluster = "Cluster"
        case taskARN = "TaskARN"
        case desiredStatus = "DesiredStatus"
        case serviceName = "ServiceName"
    }

    /// Asks the endpoint at `ECS_CONTAINER_METADATA_URI_V4`; an error of the code `configuration` where there is none.
    package static func read(
        environment: [String: String], transport: any AWSTransport, deadline: NIODeadline
    ) async throws(AWSError) -> TaskMetadata {
        guard let base = environment["ECS_CONTAINER_METADATA_URI_V4"], let url = SignedURL(base) else {
            throw AWSError(.configuration, "this is no task of ECS")
        }
        let response: AWSResponse
        do {
            response = try await transport.send(
                AWSRequest(method: "GET", url: url.appending("/task"), fields: [], body: []), deadline: deadline)
        } catch { throw AWSError(.unreachable, "the task's metadata can't be reached: \(ConnectionFailure.words(for: error))") }
        guard response.status == 200, let metadata = try? JSONDecoder().decode(TaskMetadata.self, from: Data(response.body)) else {
            throw AWSError(.invalidAnswer, "the task's metadata can't be read")
        }
        return metadata
    }
}
