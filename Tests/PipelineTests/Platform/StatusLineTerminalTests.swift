import Testing

@testable import Platform

@Suite struct StatusLineTerminalTests {
    @Test(arguments: [(nil, false), ("", false), ("dumb", false), ("xterm-256color", true), ("linux", true)] as [(String?, Bool)])
    func terminalsThatTakeBackWhatTheyShow(_ name: String?, _ can: Bool) {
        #expect(StatusLine.canTakeBack(name) == can)
    }
}
