import ConfigurationLanguage
package import Logging

extension LoadedConfiguration {
    /// The part of a list that carries exchanges away: from the stage that takes them to the one that dials.
    package struct Tunnel: Sendable {
        /// Where the list stands: `pipeline`, or `pipeline.route.branches.abroad.stages`.
        package let path: String
        /// The stages, the first of which takes exchanges, the last of which dials.
        package let stages: [Entry]
    }

    /// Those of all lists, in the file's order.
    package var tunnels: [Tunnel] {
        func find(_ entries: [Entry], _ path: String) -> [Tunnel] {
            var found: [Tunnel] = []
            if let first = entries.firstIndex(where: { $0.form.input == .exchange && $0.form.output == .outbound }) {
                found.append(Tunnel(path: path, stages: Array(entries[first...])))
            }
            for entry in entries {
                for branch in entry.branches {
                    found += find(branch.stages, "\(path).\(entry.name).branches.\(branch.name).stages")
                }
            }
            return found
        }
        return find(stages, "pipeline")
    }

    /// Makes one stage, for a list that somebody puts together.
    ///
    /// - Throws: As `plan` does.
    package func stage(_ entry: Entry, logger: Logger) throws -> any Stage {
        var findings: [ConfigurationFinding] = []
        let made = try entry.prepared.made(StageContext(logger: logger, host: host), findings: &findings)
        guard let made else { throw ConfigurationErrors(source.errors(findings)) }
        return made.stage
    }
}
