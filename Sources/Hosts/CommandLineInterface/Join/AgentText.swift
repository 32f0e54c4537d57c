import ConfigurationLanguage
import Pipeline
import TunnelStages

/// The configuration of an agent that has joined a server, as a file.
struct AgentText {
    /// What stands for a certificate or a key: a path from the file's folder, or the PEM text.
    enum Source {
        case path(String)
        case pem(String)

        /// As a value of a key that is indented by so many blanks.
        func value(indentedBy count: Int) -> String {
            switch self {
            case .path(let path): return PlainText.quotedIfNeeded(path)
            case .pem(let text):
                let blanks = String(repeating: " ", count: count + 2)
                return "|" + text.split(separator: "\n").map { "\n\(blanks)\($0)" }.joined()
            }
        }
    }

    let server: HostPort
    /// The name that the server's certificate has.
    let serverName: String
    let certificate: Source
    let key: Source
    let authority: Source
    /// The way to the server; nil for what the environment says, where it says something.
    var via: String?
    var isViaEnvironment = false
    let listen: String

    var text: String {
        var connect = "to: \(PlainText.quotedIfNeeded("\(server)")), wait: 10s"
        if let via {
            connect += ", via: \(PlainText.quotedIfNeeded(via))"
        } else if isViaEnvironment {
            connect += ", via: environment"
        }
        return """
            # The agent: an HTTP proxy on this machine. 'fluidity stages' says what else it can.
            host: agent

            pipeline:
              - accept: { listen: \(PlainText.quotedIfNeeded(listen)) }
              - http: { mode: proxy }
              - frame: { codec: mux }
              - mtls:
                  certificate: \(certificate.value(indentedBy: 6))
                  key: \(key.value(indentedBy: 6))
                  ca: \(authority.value(indentedBy: 6))
                  name: \(PlainText.quotedIfNeeded(serverName))
              - connect: { \(connect) }

            """
    }
}
