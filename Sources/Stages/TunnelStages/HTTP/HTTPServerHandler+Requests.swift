import HTTPMessages
import NIOCore
import Pipeline

/// What a client sends, up to the exchange that a request becomes.
extension HTTPServerHandler {
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        bulk.add(bytes.readableBytes)
        isInTurn = true
        connection.isActive = true
        switch mode {
        case .tunnel:
            allowance.spend(bytes.readableBytes)
            exchange?.sendRequestBody(bytes)
            regulate(context)
        case .http:
            parser.append(bytes)
            process(context)
        case .lingering:
            break
        }
    }

    /// What was read has been given on, and mostly passed on as well: only now it shows whether reading has to stop. To stop and go on
    /// in each turn would be two system calls.
    func channelReadComplete(context: ChannelHandlerContext) {
        isInTurn = false
        exchange?.flushRequest()
        bulk.endTurn(context.channel)
        if allowance.isUsedUp { regulate(context) }
    }

    func process(_ context: ChannelHandlerContext) {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        do {
            while case .http = mode, !(exchange != nil && isRequestComplete), let part = try parser.next() {
                switch part {
                case .head(let head):
                    begin(head, context)
                case .body(let bytes):
                    allowance.spend(bytes.readableBytes)
                    exchange?.sendRequestBody(bytes)
                case .end(let trailers):
                    isRequestComplete = true
                    // What follows may be the other protocol's: only the body has ended.
                    if awaitsUpgrade { break }
                    // Answered by this end itself, it completes by itself; answered before, it waited for this end.
                    if let exchange { exchange.sendRequestEnd(trailers) } else { completeIfAnswered(context) }
                }
            }
        } catch {
            refuse(error.status, error.reason, context)
        }
        regulate(context)
    }

    /// Reads on only while what is read has somewhere to go.
    func regulate(_ context: ChannelHandlerContext) {
        let waiting = mode == .http && exchange != nil && isRequestComplete
        let isUsedUp = isInTurn ? allowance.isOverdrawn : allowance.isUsedUp
        let isFull = waiting ? parser.bufferedBytes >= Self.window : isUsedUp && exchange != nil
        if allowance.shouldRead(!isFull) { context.channel.setReading(!isFull) }
        guard mode == .http, exchange == nil, !isInputClosed else { return }
        if parser.isIdle {
            let now = NIODeadline.now()
            isInHead = false
            deadline = now + TimeAmount(port.configuration.keepAlive)
            // Between two requests a client expects that its connection ends (RFC 9112, 9.5), once it has its answer.
            if hasBegun, output.isDrained { connection.unusedSince = now }
        } else if !isInHead {
            isInHead = true
            connection.unusedSince = nil
            deadline = .now() + TimeAmount(port.configuration.headTimeout)
        }
    }

    private func begin(_ head: HTTP1RequestHead, _ context: ChannelHandlerContext) {
        isRequestComplete = false
        isInHead = false
        hasBegun = true
        connection.unusedSince = nil
        requestBody = head.body
        // A proxy keeps no connection of a client of HTTP/1.0, which may not mean this end by what it says (RFC 9112, 9.3 and C.2.2).
        keepAlive = head.keepAlive && (head.minorVersion > 0 || port.configuration.mode == .origin)
        minorVersion = head.minorVersion
        deadline = nil
        allowance.reset()
        let pac = port.pac.flatMap { $0.isWanted(by: head.method, head.target) ? $0 : nil }
        var request: RequestHead
        do {
            // A request for the file is made as to a site: this one.
            request = try RequestTarget.interpret(
                head, mode: pac == nil ? port.configuration.mode : .origin, isSecure: connection.identity != nil, here: here)
        } catch {
            return refuse(error.status, error.message, context)
        }
        let lastAnswer = MaxForwards.count(&request) ?? port.via?.pass(&request, minorVersion: head.minorVersion)
        if !port.isIdentified { connection.admit() }
        let exchange = Exchange(request, from: self, client: connection, on: port.shard)
        exchange.role = port.configuration.mode == .proxy ? .proxy : .origin
        exchange.credentials = head.proxyAuthorization.map { .proxyAuthorization($0) }
        self.exchange = exchange
        response.reset()
        // What follows it is the other protocol's if the origin agrees, else the next request. It waits here.
        awaitsUpgrade = request.kind == .upgrade
        if awaitsUpgrade, request.body == .none || request.body == .known(0) { isRequestComplete = true }
        if request.kind == .tunnel {
            // Whatever follows belongs to the other protocol. It goes along at once: who opens a tunnel rarely waits for the
            // answer, and where it is refused nothing of it arrives anywhere.
            mode = .tunnel
            let rest = parser.takeRest()
            allowance.spend(rest.readableBytes)
            if rest.readableBytes > 0 { exchange.sendRequestBody(rest) }
        }
        if let lastAnswer { return exchange.answer(lastAnswer) }
        if let pac { return answer(exchange, with: pac, asSeenFrom: head.host, here) }
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
