import Logging
import Testing

@testable import Hosting
@testable import Pipeline

@Suite("What a drain waits for")
struct DrainProgressTests {
    @Test("It says how much is open, how long the oldest has been, and how long there is")
    func words() {
        #expect(DrainProgress.words(OpenExchanges(), sessions: 0, left: .seconds(3)) == nil)
        var open = OpenExchanges()
        open.count = 2
        open.shown = [
            OpenExchange(
                id: ExchangeID(digits: "0123456789abcdef")!, client: "-", remote: "127.0.0.1:1", method: "GET",
                target: "a.example:80",
                age: 4_200, received: 0, sent: 0)
        ]
        let words = DrainProgress.words(open, sessions: 1, left: .milliseconds(2_500))
        #expect(
            words == ["exchanges": "2", "sessions": "1", "left": "2 s", "oldest": "a.example:80", "open-for": "4 s"])
        #expect(
            DrainProgress.words(OpenExchanges(), sessions: 1, left: .seconds(-1)) == [
                "exchanges": "0", "sessions": "1", "left": "0 s",
            ])
    }
}
