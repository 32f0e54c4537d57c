import ArgumentParser
import ConfigurationLanguage
import Pipeline

/// Which running program a command is about.
struct RunningProgram: ParsableArguments {
    @Option(
        name: .shortAndLong,
        help:
            "The configuration of the running program. Default: FLUIDITY_CONFIG, then the agent's, then the server's of this user or machine.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @OptionGroup var options: ConfigurationOptions

    /// Its admin listener.
    func admin() throws -> AdminClient {
        let file: String
        do {
            file = try ConfigurationPlace.agent.find(config)
        } catch {
            guard let server = try? ConfigurationPlace.server.find(config) else { throw error }
            file = server
        }
        return try AdminClient(file, options)
    }
}
