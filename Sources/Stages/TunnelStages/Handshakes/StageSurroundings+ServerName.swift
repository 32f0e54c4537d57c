import ConfigurationLanguage
import Pipeline

extension StageSurroundings {
    /// Whether the client's side of TLS knows which name the server's certificate has to have.
    ///
    /// - Parameter name: The one that its configuration says.
    func problems(ofServerName name: String?) -> [ConfigurationProblem] {
        guard name == nil, let sink = after.last else { return [] }
        switch sink.dials {
        case .at(let address) where PeerName(address.host) == nil:
            return [
                ConfigurationProblem(
                    "'\(sink.name)' dials an address, \(address.host), so 'name' must say which name the server's certificate has",
                    key: "name", hint: "'fluidity cert show' tells the names of a certificate")
            ]
        case .foundOut:
            return [
                .warning(
                    "'\(sink.name)' may find out an address, which is no name of a server's certificate", key: "name",
                    hint: "set 'name' to one that the server's certificate has")
            ]
        case .at, nil: return []
        }
    }
}
