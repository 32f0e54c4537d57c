import DequeModule
import HTTPMessages

/// Frames without data that wait to be written. Windows are entered once and filled in when they are written.
struct MuxControlQueue {
    enum Item {
        case hello(MuxSettings)
        case streamWindow(slot: Int, stream: UInt32)
        case sessionWindow
        case reset(stream: UInt32, Failure)
        case ping(UInt64)
        case pong(UInt64)
        case goAway(last: UInt32, Failure)
        case attached(MuxAttachAnswer)
    }

    private var items = Deque<Item>()
    private(set) var isSessionWindowQueued = false

    var count: Int { items.count }
    var isEmpty: Bool { items.isEmpty }
    var beginsWithHello: Bool { if case .hello? = items.first { true } else { false } }

    mutating func append(_ item: Item) {
        if case .sessionWindow = item { isSessionWindowQueued = true }
        items.append(item)
    }

    mutating func popFirst() -> Item? {
        let item = items.popFirst()
        if case .sessionWindow = item { isSessionWindowQueued = false }
        return item
    }

    mutating func removeAll() {
        items.removeAll()
        isSessionWindowQueued = false
    }
}
