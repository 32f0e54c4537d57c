public import ConfigurationLanguage
import Platform

/// What a branch may be called: its name stands in metrics' labels, in paths and in variables.
public enum BranchName {
    /// Says what is wrong with the name of a branch that couldn't be read, since something else is wrong with it.
    package static func report(nameOf branch: ConfigurationNode, in context: DecodingContext) {
        guard let name = branch[key: "name"], case .scalar(let scalar) = name.content, !scalar.isUnknown else { return }
        for problem in problems(scalar.text, key: "name") { context.report(problem.message, at: name, hint: problem.hint) }
    }

    /// What is wrong with a name.
    public static func problems(_ name: String, key: String) -> [ConfigurationProblem] {
        let isWord = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
        guard isWord, (1...40).contains(name.utf8.count), !name.hasPrefix("-"), name.contains(where: \.isLetter) else {
            let small = name.lowercased().replacing(" ", with: "-").replacing(".", with: "-").replacing("_", with: "-")
            return [
                ConfigurationProblem(
                    "'\(ForeignText.line(name, limit: 60))' can't be a name here: that has small letters, digits and hyphens, a letter at least, and 40 of them at most",
                    key: key, hint: "such as '\(small != name && problems(small, key: key).isEmpty ? small : "intranet")'")
            ]
        }
        return []
    }
}
