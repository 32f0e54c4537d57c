/// The factories that a pipeline can name. A value that is passed in: a program registers its own stages before it starts.
public struct StageRegistry: Sendable {
    /// The factories in the order in which they were registered, each name once.
    public private(set) var factories: [any StageFactory] = []

    /// A registry without factories.
    public init() {}

    /// Adds a factory. One of the same name is replaced.
    public mutating func register(_ factory: some StageFactory) {
        let name = type(of: factory).name
        factories.removeAll { type(of: $0).name == name }
        factories.append(factory)
    }

    /// The factory that was registered under the name.
    public func factory(named name: String) -> (any StageFactory)? {
        factories.first { type(of: $0).name == name }
    }

    /// The names in the order in which they were registered.
    public var names: [String] { factories.map { type(of: $0).name } }
}
