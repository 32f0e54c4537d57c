/// What is to happen, the earliest first; what is to happen at the same time in the order in which it was said.
struct Agenda<Content> {
    private struct Entry {
        var time: Moment
        var order: Int
        var content: Content

        func isBefore(_ other: Entry) -> Bool { time == other.time ? order < other.order : time < other.time }
    }

    private var heap: [Entry] = []
    private var order = 0

    /// The time of the first entry; nil without one.
    var first: Moment? { heap.first?.time }

    mutating func add(_ content: Content, at time: Moment) {
        order += 1
        heap.append(Entry(time: time, order: order, content: content))
        var index = heap.count - 1
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[index].isBefore(heap[parent]) else { return }
            heap.swapAt(index, parent)
            index = parent
        }
    }

    /// Takes the first entry out.
    mutating func removeFirst() -> (time: Moment, content: Content)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return (first.time, first.content) }
        heap[0] = last
        var index = 0
        while true {
            var least = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            guard least != index else { return (first.time, first.content) }
            heap.swapAt(index, least)
            index = least
        }
    }
}
