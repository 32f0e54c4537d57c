import ServerWaking
import Synchronization
import Testing

@Suite struct ProgressTests {
    private final class Screen: Sendable {
        let text = Mutex("")
    }

    private func shown(isTerminal: Bool, _ body: (Progress) -> Void) -> String {
        let screen = Screen()
        body(Progress(isTerminal: isTerminal) { more in screen.text.withLock { $0 += more } })
        return screen.text.withLock { $0 }
    }

    private func story(_ progress: Progress) {
        progress.begin()
        progress.tell("waking", expected: "40-55 seconds")
        progress.show(after: 3.2)
        progress.tell("starting", expected: nil)
        progress.show(after: 20)
        progress.end("the tunnel is up after 34 s")
    }

    @Test func aTerminalIsToldWhatHappensAndHowLongItTakes() {
        let text = shown(isTerminal: true, story)
        let lines = text.split(separator: "\r").map { $0.replacing("\u{1B}[K", with: "") }
        #expect(
            lines == [
                "Waking the server (0 s) …", "The server was woken (3 s; it usually takes 40-55 seconds) …",
                "The server is starting (20 s; it usually takes 40-55 seconds) …", "The tunnel is up after 34 s.\n",
            ])
    }

    @Test func nobodyElseIs() {
        #expect(shown(isTerminal: false, story).isEmpty)
    }
}
