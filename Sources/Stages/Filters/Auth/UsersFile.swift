/// Names and hashed passwords: a line `NAME:HASH` for each user, `#` before a comment. `fluidity passwd` writes it.
package struct UsersFile: Sendable, Equatable {
    /// Why a users' file can't be used, and where.
    package struct Problem: Error, Equatable, CustomStringConvertible {
        /// The number of the line, from 1.
        package var line: Int
        /// What is wrong with the line, as a sentence's end.
        package var message: String
        package var description: String { "line \(line): \(message)" }
    }

    private var lines: [String] = []
    /// The hash of each user's password, by the user's name.
    package private(set) var users: [String: PasswordHash] = [:]

    /// A file without users.
    package init() {}

    /// Reads a file's text; throws at the first line that is neither a user, a comment nor empty, and at a name's second line.
    package init(_ text: String) throws(Problem) {
        lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        if lines.last == "" { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            guard let name = try Self.name(in: line, number: index + 1) else { continue }
            guard let hash = PasswordHash(String(line.dropFirst(name.count + 1))) else {
                throw Problem(line: index + 1, message: "what follows '\(name):' is no hash that 'fluidity passwd' writes")
            }
            guard users.updateValue(hash, forKey: name) == nil else {
                throw Problem(line: index + 1, message: "'\(name)' is there twice")
            }
        }
    }

    private static func name(in line: String, number: Int) throws(Problem) -> String? {
        guard !line.isEmpty, line.first != "#" else { return nil }
        guard let colon = line.firstIndex(of: ":") else {
            throw Problem(line: number, message: "a line is NAME:HASH")
        }
        let name = String(line[..<colon])
        guard isName(name) else { throw Problem(line: number, message: "the name is empty, too long, or has a control character") }
        return name
    }

    /// What can be a user's name (RFC 7617, 2): anything printable without a colon.
    package static func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count <= 255 && name.first != "#" && !name.contains(":")
            && name.unicodeScalars.allSatisfy { scalar in
                scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && !(0x2028...0x2029).contains(scalar.value)
            }
    }

    /// Puts a user in, in the place of the one that there is.
    package mutating func set(_ name: String, _ hash: PasswordHash) {
        let line = "\(name):\(hash.text)"
        if let index = lines.firstIndex(where: { $0.hasPrefix("\(name):") }) {
            lines[index] = line
        } else {
            lines.append(line)
        }
        users[name] = hash
    }

    /// Takes a user out; false when there is no such user.
    package mutating func remove(_ name: String) -> Bool {
        guard users.removeValue(forKey: name) != nil else { return false }
        lines.removeAll { $0.hasPrefix("\(name):") }
        return true
    }

    /// The file's text, with the comments and the order of lines that it was read with.
    package var text: String { lines.isEmpty ? "" : lines.joined(separator: "\n") + "\n" }
}
