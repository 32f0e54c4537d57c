import Addresses
import HTTPMessages
import NIOCore
import Pipeline

/// What somebody gets who opens a proxy's own address in a browser: that it is one, whether it works and why not, and how to use it. Nothing else:
/// any site can lead a browser here, and everybody who reaches the port can ask.
struct ProxyPage: Sendable {
    /// The proxy's address, as the browser has it.
    var proxy: Authority
    /// The path of the file by which browsers set themselves; nil where there is none.
    var script: String?
    /// Why the pipeline takes no work; empty where it does.
    var problems: [String]
    /// Whether it carries what it takes through a tunnel.
    var hasTunnel: Bool
    /// Where the live page is; nil where there is none, or where whoever asks couldn't open it.
    var livePage: String?

    /// Whether a request asks for it: for the root of what is the listener itself by its host. By a name of somebody's choice it isn't: a foreign
    /// site could lead one here, and read the page (DNS rebinding).
    static func isWanted(by method: String, _ target: String, host: String?) -> Bool {
        guard method == "GET" || method == "HEAD", target == "/", let asked = host.flatMap({ Authority($0) }) else { return false }
        return IPAddress(host: asked.host) != nil || asked.host.lowercased() == "localhost"
    }

    /// The answer: a page for a browser, text for everybody else.
    func response(to request: RequestHead) -> LocalResponse {
        var response = LocalResponse(status: 200, body: text)
        response.head.fields.set("Cache-Control", "no-store")
        guard request.acceptsHTML else { return response }
        AnswerPage(title: Self.title, sentence: state, advice: advice, facts: facts).replaceBody(of: &response)
        return response
    }

    private static let title = "This is a proxy"

    private var state: String {
        let what = hasTunnel ? "The tunnel" : "The proxy"
        guard let first = problems.first else { return "\(what) is up: what browsers and programs ask it for is carried on." }
        return "\(what) doesn't work at this moment: \(first)."
    }

    private var advice: String {
        let own = "Set \(proxy.host), port \(proxy.port ?? 80), as the HTTP and the HTTPS proxy of the browser or the system"
        guard let script else { return own + "." }
        return own + ", or give it http://\(proxy.text)\(script) as the address of its automatic configuration."
    }

    private var facts: [(name: String, value: String)] {
        var facts = [("curl", "curl -x http://\(proxy.text) https://example.com/")]
        for problem in problems.dropFirst() { facts.append(("also", problem)) }
        if let livePage { facts.append(("live page", livePage)) }
        return facts
    }

    private var text: String {
        ([Self.title + ".", state, advice] + facts.map { "\($0.name): \($0.value)" }).map { $0 + "\n" }.joined()
    }
}

extension HTTPServerHandler {
    /// Answers with the page. What can't be known on this loop is asked for first.
    func answer(_ exchange: Exchange, withPageFor host: String?, _ here: String) {
        guard let asked = host.flatMap({ Authority($0) }) else {
            return exchange.answer(LocalResponse(status: 400, body: "The request doesn't say which proxy it is for.\n"))
        }
        let proxy = asked.port == nil ? Authority(here) ?? asked : asked
        let (request, script) = (exchange.request, port.pac?.path)
        // What the other end is called, and where the live page is, is for this machine's people alone.
        let isNear = connection.channel.isWithinThisMachine
        let livePage = isNear ? port.shard.telemetry.control?.livePage : nil
        port.pageFacts.current(on: port.shard).assumeIsolated().whenSuccess { facts in
            var problems = facts.problems
            if !isNear, !problems.isEmpty { problems = ["why is shown on the machine that it runs on"] }
            let page = ProxyPage(
                proxy: proxy, script: script, problems: problems, hasTunnel: facts.hasTunnel, livePage: livePage)
            exchange.answer(page.response(to: request))
        }
    }
}
