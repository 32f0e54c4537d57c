/// A stage's configuration that says where the stage listens, so that two that want the same address are told so.
package protocol ListeningConfiguration: StageConfiguration {
    /// Where the stage listens.
    var listen: ListenAddress { get }
}

/// A stage's configuration that says where the stage dials the other end of a tunnel: what that end is known by, if nothing else is said.
package protocol DiallingConfiguration: StageConfiguration {
    /// Where the stage dials the other end.
    var dials: StageSurroundings.Dialled { get }
}
