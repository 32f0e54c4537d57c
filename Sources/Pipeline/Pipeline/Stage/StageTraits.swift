/// What a stage is to those that stand in one list with it.
public struct StageTraits: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Its exchanges may come with what a client said to prove who it is.
    public static let takesCredentials = StageTraits(rawValue: 1)
    /// Connections behind it have a peer that proved who it is with a certificate.
    public static let verifiesPeers = StageTraits(rawValue: 2)
    /// Exchanges behind it have an identity.
    public static let identifies = StageTraits(rawValue: 4)
    /// Dials for exchanges, and asks their `addressChecks` before it does.
    public static let checksAddresses = StageTraits(rawValue: 8)
    /// Carries exchanges to another program, or has them from one, in a form in which bodies may be deflated.
    public static let carriesDeflated = StageTraits(rawValue: 16)
    /// Where a file has `lifecycle`, it asks for the server that its exchanges need, and lets them wait until the server is up.
    public static let wakesServer = StageTraits(rawValue: 32)
}
