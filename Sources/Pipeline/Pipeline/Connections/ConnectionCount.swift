/// How many connections at once carry what could go over one.
public enum ConnectionCount: Sendable, Hashable {
    /// One, and several where whoever uses them finds that one is held up by the way.
    case automatic
    /// So many.
    case exactly(Int)
}
