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
            "What all sessions together keep. When as much is kept, those that begin can't be resumed, and the others keep little.")
    )

    var settings: ResumptionSettings? {
        guard enabled else { return nil }
        var settings = ResumptionSettings()
        settings.keep = TimeAmount(keep)
        settings.patience = TimeAmount(patience)
        settings.store = store.bytes
        settings.memory = memory.bytes
        return settings
    }
}
