import HTTPMessages
import NIOCore
import Testing

@testable import TunnelStages

/// When a peer is asked whether it is there, and when that is decided.
@Suite struct MuxPulseTests {
    private enum Event { case sent, heard, doubt, tick }

    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    /// Each event at its time, in milliseconds; what ticks come to.
    private func run(_ events: [(Int64, Event)], roundTrip: Int64?) -> [MuxPulse.Step] {
        var pulse = MuxPulse()
        let roundTrip = roundTrip.map(TimeAmount.milliseconds)
        return events.compactMap { time, event in
            let now = Self.start + .milliseconds(time)
            switch event {
            case .sent: pulse.sent(at: now)
            case .heard: pulse.heard()
            case .doubt: return pulse.doubt(at: now, roundTrip: roundTrip) ? .ask : .nothing
            case .tick: return pulse.tick(at: now, roundTrip: roundTrip)
            }
            return nil
        }
    }

    @Test func `What is sent and not answered is asked about, and decided two seconds later, again and again`() {
        let steps = run(
            [(0, .sent), (249, .tick), (250, .tick), (251, .tick), (2_249, .tick), (2_250, .tick), (4_249, .tick), (4_250, .tick)],
            roundTrip: 1)
        #expect(steps == [.nothing, .ask, .nothing, .nothing, .doubt(after: .seconds(2)), .nothing, .doubt(after: .seconds(2))])
    }

    @Test func `Where the way is long, two round trips pass before, and three until it is decided`() {
        let steps = run([(0, .sent), (1_999, .tick), (2_000, .tick), (4_999, .tick), (5_000, .tick)], roundTrip: 1_000)
        #expect(steps == [.nothing, .ask, .nothing, .doubt(after: .seconds(3))])
    }

    @Test func `Whatever comes ends it, until something is sent again`() {
        let steps = run(
            [
                (0, .sent), (250, .tick), (2_000, .heard), (2_300, .tick), (9_000, .tick), (9_000, .sent), (9_200, .sent),
                (9_250, .tick),
            ],
            roundTrip: nil)
        #expect(steps == [.ask, .nothing, .nothing, .ask])
    }

    @Test func `A doubt asks at once, and once`() {
        let steps = run([(0, .tick), (0, .doubt), (1, .doubt), (1_999, .tick), (2_000, .tick)], roundTrip: nil)
        #expect(steps == [.nothing, .ask, .nothing, .nothing, .doubt(after: .seconds(2))])
    }

    @Test func `The session sends the PING, says what follows, and gives a silent peer up no sooner`() throws {
        var configuration = MuxVictim.small
        configuration.resumes = true
        var hello = MuxSettings(streamWindow: 65_536, sessionWindow: 1 << 20, maxStreams: 10)
        hello.resumes = true
        hello.offer = MuxOffer(token: ResumptionToken(), keep: 90)
        var bytes = ByteBuffer()
        MuxFrameEncoder.hello(hello, into: &bytes)
        var victim = MuxVictim(.opener, configuration, hello: Array(bytes.readableBytesView))
        _ = victim.written()
        victim.feed(MuxWire.pong(1))
        victim.session.liveness.sent(at: victim.now)
        victim.tick(after: .milliseconds(250))
        let asked = victim.written()
        #expect(asked == [.ping(2)])
        let doubts = stride(from: 2_250, through: 14_250, by: 2_000).map { isDoubtful(&victim, after: $0) }
        #expect(doubts == Array(repeating: true, count: 7))
        let more = victim.written()
        #expect(more == [])
        // Ten seconds and five after the last that has come.
        let before = victim.session.tick(now: victim.now + .milliseconds(14_749))
        if case .silent = before { Issue.record("it is given up too soon") }
        let after = victim.session.tick(now: victim.now + .milliseconds(14_750))
        if case .silent = after { return }
        Issue.record("it isn't given up")
    }

    private func isDoubtful(_ victim: inout MuxVictim, after milliseconds: Int) -> Bool {
        if case .doubtful = victim.session.tick(now: victim.now - .milliseconds(250) + .milliseconds(Int64(milliseconds))) {
            true
        } else {
            false
        }
    }

    /// A PING would come before the answer that is awaited, or count as a part of the session that goes on.
    @Test(arguments: [MuxSession.Role.opener, .acceptor])
    func `Nobody is asked while a wish to go on waits for its answer`(_ role: MuxSession.Role) {
        let attach = MuxAttach(token: ResumptionToken(), position: 0)
        var configuration = MuxConfiguration()
        configuration.resumes = true
        var settings = MuxSettings(streamWindow: 1 << 20, sessionWindow: 4 << 20, maxStreams: 100)
        settings.resumes = true
        if role == .opener {
            configuration.attach = attach
            settings.offer = MuxOffer(token: ResumptionToken(), keep: 90)
        } else {
            configuration.offer = MuxOffer(token: ResumptionToken(), keep: 90)
            settings.attach = attach
        }
        var hello = ByteBuffer()
        MuxFrameEncoder.hello(settings, into: &hello)
        var victim = MuxVictim(role, configuration, hello: Array(hello.readableBytesView))
        #expect(victim.session.isAttaching)
        _ = victim.written()
        victim.session.doubt(victim.now)
        for second in [9, 2, 3] {
            victim.tick(after: .seconds(Int64(second)))
            #expect(victim.written().isEmpty && victim.failure == nil)
        }
        // It is given up all the same.
        victim.tick(after: .seconds(2))
        #expect(victim.failure?.code == .tunnelLost)
    }

    /// Milliseconds since data and since an acknowledgement, the round trip, what isn't acknowledged, and whether two seconds are enough.
    @Test(
        arguments: [
            (2_100, 2_100, 80, 1, true), (2_100, 2_100, 80, 0, false), (2_100, 1_000, 80, 3, false), (1_000, 2_100, 80, 3, false),
            (1_950, 1_950, 80, 1, true), (1_850, 1_850, 80, 1, false), (2_100, 2_100, 3_000, 1, false),
            (9_000, 9_000, 3_000, 1, true),
            (UInt32.max, UInt32.max, 0, 1, true),
        ] as [(UInt32, UInt32, UInt32, UInt32, Bool)])
    func `The kernel's word decides`(_ data: UInt32, _ acknowledgement: UInt32, _ roundTrip: UInt32, _ left: UInt32, _ isLost: Bool)
    {
        var statistics = TCPStatistics()
        statistics.roundTrip = roundTrip * 1_000
        statistics.unacknowledged = left
        statistics.sinceData = data
        statistics.sinceAcknowledgement = acknowledgement
        #expect(statistics.isUnanswered(for: .seconds(2)) == isLost)
    }

    /// Nothing is under way: bytes that wait, how many the other end would take, and whether that is because this machine can't send them.
    /// An end that takes nothing is asked at growing intervals, and is there.
    @Test(
        arguments: [
            (0, 64_000, false), (20, 64_000, true), (64_000, 1_448, true), (20, 20, true), (20, 0, false), (64_000, 1_000, false),
        ] as [(UInt32, UInt32, Bool)])
    func `What can't be sent isn't acknowledged either`(_ unsent: UInt32, _ window: UInt32, _ isLost: Bool) {
        var statistics = TCPStatistics()
        statistics.segment = 1_448
        statistics.unsent = unsent
        statistics.window = window
        (statistics.sinceData, statistics.sinceAcknowledgement) = (1_800, 5_000)
        #expect(!statistics.isUnanswered(for: .seconds(2)))
        statistics.sinceData = 2_100
        #expect(statistics.isUnanswered(for: .seconds(2)) == isLost)
    }
}
