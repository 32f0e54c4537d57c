import NIOCore
import Testing

@testable import TunnelStages

/// What of a stream's bytes counts against its session.
@Suite struct JSONStreamAccountTests {
    @Test func `What is passed on counts no longer, and nothing counts twice`() {
        var account = JSONStreamAccount()
        account.hold(10)
        #expect(account.passedOn(4) == 4)
        #expect(account.held == 6)
        #expect(account.passedOn(100) == 6)
        #expect(account.passedOn(1) == 0)
    }

    @Test func `What is released is all that is held`() {
        var account = JSONStreamAccount()
        account.hold(7)
        #expect(account.release() == 7)
        #expect(account.release() == 0)
        // Credit may come for it all the same.
        #expect(account.passedOn(7) == 0)
    }

    /// What a body has, what comes, and what the session has room for.
    @Test(
        arguments: [
            (0, 10, 10, .taken), (6, 4, 4, .taken), (6, 5, 100, .tooLarge), (0, 11, 0, .tooLarge), (6, 4, 3, .crowded),
            (10, 0, 0, .taken),
        ] as [(Int, Int, Int, JSONStreamAccount.OnCollect)])
    func `A body is put together`(_ before: Int, _ more: Int, _ room: Int, _ expected: JSONStreamAccount.OnCollect) {
        var account = JSONStreamAccount()
        _ = account.collect(ByteBuffer(repeating: 1, count: before), of: 10) { _ in true }
        #expect(account.collect(ByteBuffer(repeating: 2, count: more), of: 10) { $0 <= room } == expected)
        let body = account.takeBody()
        #expect(body.readableBytes == before + (expected == .taken ? more : 0))
        #expect(account.takeBody().readableBytes == 0)
    }
}

/// Which of a WebSocket's ends has heard that nothing more comes.
@Suite struct JSONWebSocketEndsTests {
    /// An end that is open, and has told the socket and the peer.
    private func ends(_ isOpen: Bool, _ socket: Bool, _ peer: Bool) -> JSONWebSocketEnds {
        var ends = JSONWebSocketEnds()
        if isOpen { ends.opened() }
        if socket { _ = ends.tellSocket() }
        if peer { _ = ends.tellPeer() }
        return ends
    }

    /// Every state: whether messages go to the socket, and what the peer's close does, in order and as a loss.
    @Test(
        arguments: [
            (false, false, false, false, .lost, .lost), (true, false, false, true, .tellSocket, .lost),
            (false, true, false, false, .nothing, .nothing), (true, true, false, false, .nothing, .nothing),
            (false, false, true, false, .lost, .lost), (true, false, true, true, .tellSocket, .lost),
            (false, true, true, false, .nothing, .nothing), (true, true, true, false, .nothing, .nothing),
        ] as [(Bool, Bool, Bool, Bool, JSONWebSocketEnds.OnPeerClosed, JSONWebSocketEnds.OnPeerClosed)])
    func `Each state with each event`(
        _ isOpen: Bool, _ socket: Bool, _ peer: Bool, _ takes: Bool, _ closed: JSONWebSocketEnds.OnPeerClosed,
        _ lost: JSONWebSocketEnds.OnPeerClosed
    ) {
        let before = ends(isOpen, socket, peer)
        #expect(before.takesMessages == takes)
        #expect([before.isOpen, before.hasToldSocket, before.hasToldPeer] == [isOpen, socket, peer])
        var (orderly, broken) = (before, before)
        #expect(orderly.peerClosed(isLoss: false) == closed)
        #expect(orderly.hasToldSocket == (socket || closed == .tellSocket))
        #expect(broken.peerClosed(isLoss: true) == lost)
        #expect(broken.hasToldSocket == socket)
        // Each hears it once.
        var told = before
        #expect([told.tellSocket(), told.tellSocket()] == [!socket, false])
        #expect([told.tellPeer(), told.tellPeer()] == [!peer, false])
    }
}
