import ArgumentParser

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of configuration files.",
        discussion: """
            Editors complete and check a file with it. For those that speak with yaml-language-server, this goes to the top of \
            the file: # yaml-language-server: $schema=fluidity.schema.json

            EXAMPLES
              fluidity schema > fluidity.schema.json
            """)

    func run() throws {
        print(ConfigurationSchema(KnownStages.registry).json.pretty, terminator: "")
    }
}
