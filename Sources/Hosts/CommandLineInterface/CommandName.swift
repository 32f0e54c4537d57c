import ArgumentParser
import Pipeline

/// The names of the commands: one that isn't known gets the one that was meant most likely.
enum CommandName {
    /// Throws where the words that an argument list begins with lead to no command.
    static func check(_ arguments: some Sequence<String>) throws {
        var known: [any ParsableCommand.Type] = RootCommand.configuration.subcommands
        for word in arguments {
            // What has options first is left to the parser.
            guard !known.isEmpty, !word.hasPrefix("-") else { return }
            if word == "help" { continue }
            guard let command = known.first(where: { ([$0._commandName] + $0.configuration.aliases).contains(word) })
            else {
                let names = known.filter { $0.configuration.shouldDisplay }.flatMap { [$0._commandName] + $0.configuration.aliases }
                let hint = NearestName.hint(for: word, among: names, otherwise: "the commands are") ?? ""
                throw ValidationError("there is no command '\(word)'; \(hint)")
            }
            known = command.configuration.subcommands
        }
    }
}
