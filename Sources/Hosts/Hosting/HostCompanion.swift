package import Pipeline

/// Works beside a pipeline for as long as that runs, and has the last word.
package protocol HostCompanion: Sendable {
    /// What stages and the companion tell each other about a server that is woken.
    var presence: ServerPresence? { get }
    /// Where this process is reached, once the companion has found it out; nil where it doesn't look.
    var ownAddress: OwnAddress? { get }
    /// Begun when the pipeline has started; cancelled when it is asked to end.
    func run() async
    /// What was open has finished. `started`: the pipeline ran; otherwise there is nothing to say to anybody. Cancelled when
    /// whoever waits has asked a second time.
    func finish(started: Bool) async
}

extension HostCompanion {
    /// By default it doesn't look.
    package var ownAddress: OwnAddress? { nil }
}
