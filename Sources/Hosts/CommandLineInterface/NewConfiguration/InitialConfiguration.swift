import ArgumentParser
import ControlStages

/// What `fluidity init` writes a configuration for.
enum InitialConfiguration: String, CaseIterable, ExpressibleByArgument {
    case agent, server, proxy, control

    /// The command that runs it, and the name of its usual file.
    var command: String { self == .proxy ? "agent" : rawValue }

    /// What has to be done before it can work, a line each.
    var preparation: [String] {
        switch self {
        case .agent:
            [
                "put the server's place in 'connect', and the certificates that it names in the folder 'certs' beside it",
                "(or let 'fluidity join LINE' do all of this, with the line that 'fluidity invite' prints on the server's machine)",
            ]
        case .server:
            [
                "fluidity cert init --out certs, in its folder, and: fluidity cert issue server --ca certs --out certs --server --dns NAME",
                "(or let 'fluidity server --new' do all of this)",
            ]
        case .proxy: []
        case .control: ["set CLUSTER, SERVICE and FLUIDITY_CONTROL_KEY in the environment"]
        }
    }

    var text: String {
        switch self {
        case .agent: Self.agentText
        case .server: Self.serverText
        case .proxy: Self.proxyText
        case .control: Self.controlText
        }
    }

    private static let agentText = """
        # The agent: an HTTP proxy on this machine that carries everything to the server. Paths start from this file's folder.
        # 'fluidity stages' lists what a pipeline may have, 'fluidity stages connect' says what one stage can be told.
        host: agent

        pipeline:
          # Browsers and programs connect here: curl -x http://127.0.0.1:8080 https://example.com/
          - accept: { listen: "127.0.0.1:8080" }
          # They speak HTTP with a proxy.
          - http: { mode: proxy }
          # All that they ask for shares one connection ...
          - frame: { codec: mux }
          # ... in which both ends show a certificate of one private authority: 'fluidity cert' makes all three files.
          - mtls:
              certificate: certs/laptop.pem
              key: certs/laptop-key.pem
              ca: certs/ca.pem
              # A name in the server's certificate; 'fluidity cert show' tells them.
              name: tunnel.example.org
          # Where the server is. 'via: environment' goes through the proxy that HTTPS_PROXY names.
          - connect: { to: "tunnel.example.org:8443", wait: 10s }

        """

    private static let serverText = """
        # The server: takes the connections of agents and fetches what they ask for. Paths start from this file's folder.
        # 'fluidity stages' lists what a pipeline may have, 'fluidity stages fetch' says what one stage can be told.
        host: server

        pipeline:
          # Agents connect here.
          - accept: { listen: "0.0.0.0:8443" }
          # Both ends show a certificate of one private authority: 'fluidity cert' makes all three files. 'fluidity agents' lists who was
          # here, and revokes.
          - mtls: { certificate: certs/server.pem, key: certs/server-key.pem, ca: certs/ca.pem, agents: agents }
          - frame: { codec: mux }
          # Only public addresses: your own networks are named, as in [public, 10.0.0.0/8].
          - fetch: { destinations: public }

        """

    private static let proxyText = """
        # A proxy in one process: it needs no server, and no certificate.
        # 'fluidity stages' lists what a pipeline may have; 'auth', 'egress' and 'rate-limit' go between 'http' and 'fetch'.
        host: agent

        pipeline:
          # Browsers and programs connect here: curl -x http://127.0.0.1:8080 https://example.com/
          - accept: { listen: "127.0.0.1:8080" }
          # They speak HTTP with a proxy.
          - http: { mode: proxy }
          # Only public addresses: your own networks are named, as in [public, 10.0.0.0/8].
          - fetch: { destinations: public }

        """

    private static let controlText = """
        # The control plane: wakes and stops a server on AWS. \(ECSServiceAction.requests).
        # Credentials and the region come from where the AWS command line finds them.
        host: server
        event-loops: 1

        pipeline:
          # Where others reach it, put 'mtls' behind it.
          - accept: { listen: "127.0.0.1:8090" }
          - http: { mode: origin }
          # Agents send the key as their 'api-key'. Make one: openssl rand -hex 16
          - auth:
              methods:
                - api-key: { header: X-Api-Key, keys: [{ name: agent, key: "${env:FLUIDITY_CONTROL_KEY}" }] }
          - rate-limit: { by: client, requests: 2/s, burst: 20 }
          # The service of ECS that is looked after.
          - ecs-service:
              action: by-path
              cluster: "${env:CLUSTER:-fluidity}"
              service: "${env:SERVICE:-fluidity-server}"
              idle-threshold: 15m

        """
}
