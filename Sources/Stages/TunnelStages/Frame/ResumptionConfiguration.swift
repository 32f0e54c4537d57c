import Addresses
public import ConfigurationLanguage
import NIOCore
import Platform

/// What `frame` can be told of sessions that outlive their connections.
public struct ResumptionConfiguration: NestedConfiguration {
    /// Whether they do.
    public var enabled = false
    /// How long the end that accepts connections keeps a session without one.
    public var keep = Duration.seconds(90)
    /// How long the end that dials tries to get another connection.
    public var patience = Duration.seconds(60)
    /// What a session keeps of what was sent and not yet acknowledged.
    public var store = ByteCount(8 << 20)
    /// What all sessions together keep before others can't be resumed.
    public var memory = ByteCount(256 << 20)
    /// Where the end that accepts connections can be reached itself, where its name may lead to another.
    public var address: HostPort?

    public init() {}

    public static let schema = Schema<ResumptionConfiguration>(
        .optional("enabled", \.enabled, "Whether a session outlives its connection. Both ends have to say so."),
        .optional(
            "keep", \.keep, in: .seconds(1)...(.seconds(3600)),
            "How long the end that accepts connections keeps a session without one."),
        .optional(
            "try", \.patience, in: .seconds(1)...(.seconds(3600)),
            "How long the end that dials tries to get another connection for a session, before its exchanges end with an error."),
        .optional(
            "store", \.store, in: ByteCount(256 << 10)...ByteCount(1 << 30),
            "What a session keeps of what was sent and not yet acknowledged. When as much is kept, sending waits: what passes in a second is at most this for each round trip."
        ),
        .optional(
            "memory", \.memory, in: ByteCount(1 << 20)...ByteCount(64 << 30),
            "What all sessions together keep. When as much is kept, those that begin can't be resumed, and the others keep little."),
        .optional(
            "address", \.address,
            "Where the end that accepts connections can be reached itself, an IP address and a port: a session that has lost its connection is looked for there first. For servers of which several have one name. Default: the address that 'address-record' has found, with the port of the connection; without that, none."
        )
    )

    public func validate() -> [ConfigurationProblem] {
        guard let address else { return [] }
        guard let ip = IPAddress(host: address.host) else {
            return [
                ConfigurationProblem(
                    "'address' is an IP address and a port, such as 203.0.113.7:8443", key: "address",
                    hint: "an agent looks up no name for it: the name is what may lead to another server")
            ]
        }
        guard ip.mayReach(\.isUnspecified) else { return [] }
        return [
            ConfigurationProblem(
                "nobody can be reached at \(address)", key: "address", hint: "name the address at which agents reach this server")
        ]
    }

    var settings: ResumptionSettings? {
        guard enabled else { return nil }
        var settings = ResumptionSettings()
        settings.keep = TimeAmount(keep)
        settings.patience = TimeAmount(patience)
        settings.store = store.bytes
        settings.memory = memory.bytes
        settings.address = address.map { "\($0)" }
        return settings
    }
}
