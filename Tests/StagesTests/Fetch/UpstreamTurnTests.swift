import HTTPMessages
import Testing

@testable import TunnelStages

/// When a request may be sent a second time, and when a connection may serve another exchange.
@Suite struct UpstreamTurnTests {
    private func request(_ method: String = "GET", kind: RequestKind = .plain, body: BodyLength = .none) -> RequestHead {
        RequestHead(kind: kind, method: method, scheme: .http, authority: "a.test", path: "/", body: body)
    }

    @Test(arguments: ["GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "DELETE", "get"])
    func `Only what changes nothing is sent again`(_ method: String) {
        let isSafe = ["GET", "HEAD", "OPTIONS", "TRACE"].contains(method)
        #expect(UpstreamTurn(isReused: true).mayRetry(request(method)) == isSafe)
    }

    @Test func `A new connection that is lost isn't one that was closed meanwhile`() {
        #expect(!UpstreamTurn(isReused: false).mayRetry(request()))
    }

    @Test(arguments: [BodyLength.known(0), .known(5), .unknown])
    func `What has a body isn't sent again`(_ body: BodyLength) {
        #expect(!UpstreamTurn(isReused: true).mayRetry(request(body: body)))
    }

    @Test(arguments: [RequestKind.tunnel, .upgrade])
    func `What asks for raw bytes isn't sent again`(_ kind: RequestKind) {
        #expect(!UpstreamTurn(isReused: true).mayRetry(request(kind: kind)))
    }

    @Test func `Nothing is sent again behind the answer's head`() {
        var turn = UpstreamTurn(isReused: true)
        turn.receivedHead(keepsAlive: true)
        #expect(!turn.mayRetry(request()))
    }

    /// Whether the origin keeps the connection, whether all of the request was sent, what kind it was, and what follows.
    @Test(
        arguments: [
            (true, true, .plain, true), (false, true, .plain, false), (true, false, .plain, false), (true, true, .tunnel, false),
            (true, true, .upgrade, false),
        ] as [(Bool, Bool, RequestKind, Bool)])
    func `A connection is left to the next exchange`(_ keeps: Bool, _ isComplete: Bool, _ kind: RequestKind, _ isLeft: Bool) {
        var turn = UpstreamTurn(isReused: false)
        #expect(!turn.leavesConnection(after: request(kind: kind)))
        turn.isRequestComplete = isComplete
        turn.receivedHead(keepsAlive: keeps)
        #expect(turn.leavesConnection(after: request(kind: kind)) == isLeft)
    }

    @Test func `So many informational responses, and no more`() {
        var turn = UpstreamTurn(isReused: false)
        let taken = (1...33).map { _ in turn.receivedInformational() }
        #expect(taken == Array(repeating: true, count: 32) + [false])
    }
}
