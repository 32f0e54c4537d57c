/// What a text may be before the YAML parser sees it.
package struct YAMLLimits: Sendable {
    /// How deep collections may stand in each other.
    package static let maximumDepth = 64
    /// How many pieces there may be: names, texts, brackets, commas and the like.
    package static let maximumPieces = 50_000

    /// How deep this text may be nested.
    package var depth = Self.maximumDepth
    /// How many pieces this text may have.
    package var pieces = Self.maximumPieces
    /// Whether others have had a part of what is allowed.
    package var isShared: Bool { depth < Self.maximumDepth || pieces < Self.maximumPieces }

    /// What a text may be that stands alone.
    package init() {}

    /// What is left for a text that is a part of a larger thing; never less than nothing.
    /// - Parameters:
    ///   - depth: How many collections are around it.
    ///   - pieces: How many pieces all other parts have.
    package init(afterDepth depth: Int, pieces: Int) {
        self.depth = max(0, Self.maximumDepth - depth)
        self.pieces = max(0, Self.maximumPieces - pieces)
    }
}
