/// What a configuration is made of that isn't on this machine: which texts it names, and where each of them goes.
package struct RemoteTexts: Sendable, Equatable {
    /// Where the configuration itself is; nil for a file.
    package let configuration: TextSource?
    /// The variables whose values are kept elsewhere.
    package let variables: [String: TextSource]
    private let environment: [String: String]

    /// Nil where everything is here.
    ///
    /// - Parameters:
    ///   - path: The configuration's path, or where it is kept.
    ///   - environment: Of its variables those that begin with `FLUIDITY_` may name a place.
    package init?(path: String, environment: [String: String]) {
        configuration = TextSource(path)
        variables = environment.filter { $0.key.hasPrefix("FLUIDITY_") }.compactMapValues { TextSource($0) }
        self.environment = environment
        if configuration == nil, variables.isEmpty { return nil }
    }

    /// Every place, none twice.
    package var sources: Set<TextSource> {
        var sources = Set(variables.values)
        if let configuration { sources.insert(configuration) }
        return sources
    }

    /// The environment with the texts in it; one that isn't known stays as it is.
    package func environment(with texts: [TextSource: String]) -> [String: String] {
        var result = environment
        for (name, source) in variables { result[name] = texts[source] ?? result[name] }
        return result
    }
}
