package import AWS
import AsyncHTTPClient
import Hosting
package import Logging
package import NIOCore
package import Pipeline

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// Writes the server's address into a DNS record when it starts. Not being able to is no reason not to serve.
package struct AddressRecorder: HostCompanion {
    private static let attempts = 5
    private static let patience = TimeAmount.seconds(30)

    /// Nil: nobody waits for the record.
    package var presence: ServerPresence? { nil }
    private let own = OwnAddress()
    /// Known when the address was found that the record gets.
    package var ownAddress: OwnAddress? { own }
    private let settings: AddressRecordSettings
    private let environment: [String: String]
    private let client: AWSClient
    private let transport: any AWSTransport
    private let shutdown: @Sendable () async -> Void
    private let pause: Duration
    private let logger: Logger

    /// A recorder that calls AWS with the process's credentials.
    package init(settings: AddressRecordSettings, group: any EventLoopGroup, logger: Logger) {
        let http = HTTPTransport.makeClient(on: group)
        let transport = HTTPTransport(client: http)
        self.init(
            settings: settings, environment: ProcessInfo.processInfo.environment, transport: transport,
            client: AWSClient(surroundings: .process, region: settings.region, transport: transport, logger: logger),
            pause: .seconds(10), logger: logger, shutdown: { try? await http.shutdown() })
    }

    /// A recorder with another client and environment, for tests, which answer in AWS's place.
    package init(
        settings: AddressRecordSettings, environment: [String: String], transport: any AWSTransport, client: AWSClient,
        pause: Duration,
        logger: Logger, shutdown: @escaping @Sendable () async -> Void = {}
    ) {
        self.settings = settings
        self.environment = environment
        self.transport = transport
        self.client = client
        self.pause = pause
        self.logger = logger
        self.shutdown = shutdown
    }

    /// Tries to write the record, five times at most, and logs what keeps it from that.
    package func run() async {
        for attempt in 1...Self.attempts {
            do throws(AWSError) {
                let address = try await address()
                own.found(address)
                let record = Route53.Record(
                    name: settings.name, addresses: [address], timeToLive: Int(settings.timeToLive / .seconds(1)))
                try await Route53(client).upsert(record, zone: settings.zone, deadline: client.deadline(in: Self.patience))
                logger.notice("address record written", metadata: ["name": "\(settings.name)", "address": "\(address)"])
                return
            } catch {
                logger.warning(
                    "the address record can't be written",
                    metadata: ["name": "\(settings.name)", "attempt": "\(attempt)", "reason": "\(error)"])
            }
            guard attempt < Self.attempts else { return }
            do { try await Task.sleep(for: pause) } catch { return }
        }
    }

    /// Shuts the client down; the record stays.
    package func finish(started: Bool) async { await shutdown() }

    /// What the configuration says, or the public address of the network interface of the task that this process runs in.
    private func address() async throws(AWSError) -> String {
        if let address = settings.address { return address }
        let deadline = client.deadline(in: Self.patience)
        guard environment["ECS_CONTAINER_METADATA_URI_V4"] != nil else {
            throw AWSError(.configuration, "this is no task of ECS: set 'address'")
        }
        let task = try await TaskMetadata.read(environment: environment, transport: transport, deadline: deadline)
        guard
            let interface = try await ECS(client).describeTasks(cluster: task.cluster, tasks: [task.taskARN], deadline: deadline)
                .first?.attached("networkInterfaceId")
        else { throw AWSError(.invalidAnswer, "the task has no network interface yet") }
        guard let address = try await EC2(client).describeNetworkInterfaces([interface], deadline: deadline).first?.publicAddress
        else { throw AWSError(.invalidAnswer, "the task has no public address") }
        return address
    }
}
