/// Who an exchange comes from, as a stage has found out.
public struct Identity: Sendable, Hashable {
    /// The name by which limits, rules and logs know the one behind the exchange.
    public var name: String
    /// How it was found out: `client-certificate`, `basic`, `bearer`, `api-key`, `jwt`.
    public var method: String

    /// An identity that a stage has found out in the way named `method`.
    public init(name: String, method: String) {
        self.name = name
        self.method = method
    }
}
