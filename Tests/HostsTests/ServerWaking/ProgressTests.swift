import ServerWaking
import Synchronization
import Testing

@Suite struct ProgressTests {
    private final class Screen: Sendable {
        let text = Mutex("")
    }

    private func shown(isTerminal: Bool, _ body: (Progress) -> Void) -> String {
        let screen = Screen()
        let show: @Sendable (String?) -> Void = { text in screen.text.withLock { $0 += "\(text ?? "(nothing)")\n" } }
        body(Progress(screen: isTerminal ? show : nil) { more in screen.text.withLock { $0 += more } })
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
        #expect(
            text == """
                Waking the server (0 s) …
                The server was woken (3 s; it usually takes 40-55 seconds) …
                The server is starting (20 s; it usually takes 40-55 seconds) …
                (nothing)
                The tunnel is up after 34 s.

                """)
    }

    @Test func nobodyElseIs() {
        #expect(shown(isTerminal: false, story).isEmpty)
    }
}
