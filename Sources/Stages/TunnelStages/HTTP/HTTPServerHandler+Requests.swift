import HTTPMessages
import NIOCore
import Pipeline

/// What a client sends, up to the exchange that a request becomes.
extension HTTPServerHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        bulk.add(bytes.readableBytes)
        allowance.beginTurn()
        connection.isActive = true
        switch state.read() {
        case .passOn:
            allowance.spend(bytes.readableBytes)
            exchange?.sendRequestBody(bytes)
            regulate(context)
        case .parse:
            parser.append(bytes)
            process(context)
        case .drop: break
        }
    }

    /// What was read has been given on, and mostly passed on as well: only now it shows whether reading has to stop.
    func channelReadComplete(context: ChannelHandlerContext) {
        allowance.endTurn()
        exchange?.flushRequest()
        bulk.endTurn(context.channel, port.shard.readBuffers)
        if !allowance.mayRead(isTaken: true) { regulate(context) }
    }

    func process(_ context: ChannelHandlerContext) {
        guard processing.begin() else { return }
        repeat {
            do {
                while state.mayParse, let part = try parser.next() { take(part, context) }
            } catch {
                refuse(error.status, error.reason, context)
            }
        } while processing.goesOn()
        regulate(context)
    }

    private func take(_ part: HTTP1Part<HTTP1RequestHead>, _ context: ChannelHandlerContext) {
        switch part {
        case .head(let head): begin(head, context)
        case .body(let bytes):
            allowance.spend(bytes.readableBytes)
            exchange?.sendRequestBody(bytes)
        case .end(let trailers):
            switch state.requestEnded() {
            case .keep: break
            // Answered by this end itself, it completes by itself; answered before, it waited for this end.
            case .pass: exchange?.sendRequestEnd(trailers)
            case .complete(let next): goOn(next, context)
            }
        }
    }

    /// Reads on only while what is read has somewhere to go.
    func regulate(_ context: ChannelHandlerContext) {
        let mayRead =
            state.isPipelining ? parser.bufferedBytes < Self.window : allowance.mayRead(isTaken: state.exchange != nil)
        if let reading = allowance.change(to: mayRead) { context.channel.setReading(reading) }
        switch state.readOn(isParserIdle: parser.isIdle) {
        case .nothing: break
        case .idle(let isUnused):
            let now = NIODeadline.now()
            deadline = now + TimeAmount(port.configuration.keepAlive)
            // Between two requests a client expects that its connection ends (RFC 9112, 9.5), once it has its answer.
            if isUnused, output.isDrained { connection.unusedSince = now }
        case .headBegun:
            connection.unusedSince = nil
            deadline = .now() + TimeAmount(port.configuration.headTimeout)
        }
    }

    private func begin(_ head: HTTP1RequestHead, _ context: ChannelHandlerContext) {
        state.headRead(minorVersion: head.minorVersion)
        connection.unusedSince = nil
        deadline = nil
        allowance.reset()
        let pac = port.pac.flatMap { $0.isWanted(by: head.method, head.target) ? $0 : nil }
        let isAboutProxy =
            pac == nil && port.configuration.mode == .proxy && ProxyPage.isWanted(by: head.method, head.target, host: head.host)
        var request: RequestHead
        do {
            // A request for the file, or about the proxy, is made as to a site: this one.
            request = try RequestTarget.interpret(
                head, mode: pac == nil && !isAboutProxy ? port.configuration.mode : .origin, isSecure: connection.identity != nil,
                assumedHost: port.assumedHost, here: here)
        } catch {
            return refuse(error.status, error.message, method: head.method, context)
        }
        let lastAnswer = MaxForwards.count(&request) ?? port.via?.pass(&request, minorVersion: head.minorVersion)
        if !port.isIdentified { connection.admit() }
        let exchange = Exchange(request, from: self, client: connection, on: port.shard)
        exchange.role = port.configuration.mode == .proxy ? .proxy : .origin
        exchange.credentials = head.proxyAuthorization.map { .proxyAuthorization($0) }
        // A proxy keeps no connection of a client of HTTP/1.0, which may not mean this end by what it says (RFC 9112, 9.3 and C.2.2).
        let keepsAlive = head.keepAlive && (head.minorVersion > 0 || port.configuration.mode == .origin)
        state.begin(exchange, .init(body: head.body, keepsAlive: keepsAlive))
        response.reset()
        if state.isTunnel {
            // It goes along at once: who opens a tunnel rarely waits for the answer, and where it is refused nothing of it arrives anywhere.
            let rest = parser.takeRest()
            allowance.spend(rest.readableBytes)
            if rest.readableBytes > 0 { exchange.sendRequestBody(rest) }
        }
        if let lastAnswer { return exchange.answer(lastAnswer) }
        if let pac { return answer(exchange, with: pac, asSeenFrom: head.host, here) }
        if isAboutProxy { return answer(exchange, withPageFor: head.host, here) }
        port.downstream.open(exchange)
    }

    private func answer(_ exchange: Exchange, with pac: PACFile, asSeenFrom host: String?, _ here: String) {
        // The address that the browser used, where it has a port; behind a forwarded port it is another than ours.
        let asked = host.flatMap { Authority($0) }
        guard let proxy = asked?.port == nil ? Authority(here) : asked else {
            return exchange.answer(LocalResponse(status: 404, body: "The proxy's address isn't known here.\n"))
        }
        exchange.answer(pac.response(proxy: proxy))
    }
}
