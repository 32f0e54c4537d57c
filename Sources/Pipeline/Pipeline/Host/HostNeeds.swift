/// What a stage needs from the host that runs it.
public struct HostNeeds: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Listens for connections.
    public static let listening = HostNeeds(rawValue: 1)
    /// Keeps working between two exchanges: timers, connections that stay open.
    public static let background = HostNeeds(rawValue: 2)
    /// Speaks the Lambda Runtime API.
    public static let lambdaRuntime = HostNeeds(rawValue: 4)
    /// Opens connections of its own. Every host has this; `fluidity test`, which works without a network, has not.
    public static let network = HostNeeds(rawValue: 8)
}
