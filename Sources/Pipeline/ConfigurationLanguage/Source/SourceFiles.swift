import Platform

/// The files that a configuration stands in: the one that was named, and those that it includes. A `SourcePosition` has the number of its
/// file here.
package struct SourceFiles: Sendable {
    /// The name of each file as errors print it, the configuration's own first.
    private var names: [String]

    /// The files of a configuration that includes none.
    /// - Parameter name: Nil where the configuration stands in no file.
    package init(_ name: String?) {
        names = [name ?? ""]
    }

    /// Adds an included file.
    /// - Returns: Its number.
    package mutating func add(_ name: String) -> Int {
        names.append(name)
        return names.count - 1
    }

    /// The name of the file that a position is in; "" where nobody knows it.
    package func name(of position: SourcePosition) -> String {
        names.indices.contains(position.file) ? names[position.file] : ""
    }

    /// The folder from which relative paths start at a place: that of its file, and for what overrides files that of the configuration.
    package func directory(of origin: ConfigurationNode.Origin) -> String {
        guard case .file(let position) = origin else { return FileAccess.directory(of: names[0]) }
        return FileAccess.directory(of: name(of: position))
    }

    /// A place, for a sentence about another place: `line 12`, or `rules.yaml:12` where that is in another file. Nil for what overrides files.
    package func place(_ origin: ConfigurationNode.Origin, from other: ConfigurationNode.Origin) -> String? {
        guard case .file(let position) = origin else { return nil }
        if case .file(let near) = other, near.file != position.file { return "\(name(of: position)):\(position.line)" }
        return "line \(position.line)"
    }
}
