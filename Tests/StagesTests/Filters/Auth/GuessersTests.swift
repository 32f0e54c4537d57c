import NIOCore
import Testing

@testable import Filters

@Suite struct GuessersTests {
    enum Event: Sendable {
        /// Something is to be verified: it begins, for one who is trusted or suspect, or has to wait.
        case begins(Said, of: String = "a")
        case ends(_ client: String = "a")
        /// The answer is held back, or not.
        case wrong(_ client: String = "a", isHeldBack: Bool)
        case released(_ client: String = "a")
        case wait(Int)
    }

    enum Said: Sendable, Equatable { case trusted, suspect, waits }

    private static let shares = SlowWork.Shares(trusted: 3, suspect: 1)

    @Test(
        arguments: [
            // A share for each client.
            [
                .begins(.trusted), .begins(.trusted), .begins(.trusted), .begins(.waits), .begins(.trusted, of: "b"), .ends(),
                .begins(.trusted), .begins(.waits),
            ],
            // Who was wrong is suspect for five seconds, and has a smaller share, of which an answer that is held back is a part.
            [
                .begins(.trusted), .ends(), .wrong(isHeldBack: true), .begins(.waits), .wait(1), .released(), .begins(.suspect),
                .begins(.waits), .ends(), .wait(4), .begins(.trusted), .begins(.trusted), .begins(.trusted, of: "b"),
            ],
            // The more, the longer.
            [
                .wrong(isHeldBack: true), .wrong(isHeldBack: true), .released(), .released(), .wait(9), .begins(.suspect), .ends(),
                .wait(1), .begins(.trusted),
            ],
        ] as [[Event]])
    func `What a client may do`(events: [Event]) {
        var guessers = Guessers()
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        for (index, event) in events.enumerated() {
            let place = Comment(rawValue: "event \(index + 1): \(event)")
            switch event {
            case .begins(let said, let client):
                let isSuspect = guessers.begin(.certificate(client), Self.shares, at: now)
                #expect(isSuspect == (said == .waits ? nil : said == .suspect), place)
            case .ends(let client): guessers.end(.certificate(client))
            case .wrong(let client, let isHeldBack):
                #expect(guessers.wasWrong(.certificate(client), delay: .seconds(1), at: now) == isHeldBack, place)
            case .released(let client): guessers.release(.certificate(client))
            case .wait(let seconds): now = now + .seconds(Int64(seconds))
            }
        }
    }

    /// Nobody is suspect for longer than five minutes, and answers that can't be held back any longer cost a pause instead.
    @Test func `Many wrong ones of one client`() {
        var guessers = Guessers()
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        let held = (0..<1_000).count { _ in guessers.wasWrong(.certificate("a"), delay: .seconds(1), at: now) }
        #expect(held == 64)
        for _ in 0..<64 { guessers.release(.certificate("a")) }
        #expect(guessers.begin(.certificate("a"), Self.shares, at: now) == nil)
        #expect(guessers.begin(.certificate("a"), Self.shares, at: now + .seconds(1)) == true)
        guessers.end(.certificate("a"))
        #expect(guessers.begin(.certificate("a"), Self.shares, at: now + .seconds(300)) == false)
        #expect(guessers.begin(.certificate("b"), Self.shares, at: now) == false)
    }

    /// Without a delay nothing is held back, and nobody pauses.
    @Test func `Without a delay`() {
        var guessers = Guessers()
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(guessers.wasWrong(.certificate("a"), delay: .zero, at: now) == false)
        #expect(guessers.begin(.certificate("a"), Self.shares, at: now) == true)
    }

    /// However many clients there are: what is remembered is bounded, and whoever has something under way stays.
    @Test func `Many clients`() {
        var guessers = Guessers(capacity: 100)
        let now = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        #expect(guessers.begin(.certificate("busy"), Self.shares, at: now) == false)
        for number in 0..<10_000 {
            let client = ClientKey.certificate("\(number)")
            if guessers.wasWrong(client, delay: .seconds(1), at: now), number % 2 == 0 { guessers.release(client) }
            guard number < 50 else { continue }
            guessers.release(client)
        }
        #expect(guessers.count <= 300)
        #expect(guessers.begin(.certificate("busy"), Self.shares, at: now) == false)
        #expect(guessers.begin(.certificate("busy"), Self.shares, at: now) == false)
        #expect(guessers.begin(.certificate("busy"), Self.shares, at: now) == nil)
    }
}
