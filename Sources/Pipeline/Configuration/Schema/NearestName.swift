/// Finds the name that somebody most likely meant.
package enum NearestName {
    /// `did you mean 'listen'?`, or, where nothing is near, the list of what there is after `otherwise`.
    package static func hint(for name: String, among names: [String], otherwise: String? = nil) -> String? {
        if let nearest = nearest(to: name, among: names) { return "did you mean '\(nearest)'?" }
        guard let otherwise, !names.isEmpty else { return nil }
        return "\(otherwise) \(names.joined(separator: ", "))"
    }

    /// The nearest name within a third of the length, or one that the name is a beginning of.
    static func nearest(to name: String, among names: [String]) -> String? {
        guard name.utf8.count <= 64 else { return nil }
        let wanted = Array(name.lowercased().replacing("_", with: "-").utf8)
        var best: (name: String, distance: Int)?
        for candidate in names {
            let letters = Array(candidate.lowercased().utf8)
            let allowed = max(1, max(wanted.count, letters.count) / 3)
            let isBeginning = wanted.count >= 3 && (letters.starts(with: wanted) || wanted.starts(with: letters))
            let distance = isBeginning ? 1 : distance(wanted, letters)
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(previous[column] + (letter == other ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
