/// What is to happen, the earliest first; what is to happen at the same time in the order in which it was said.
///
/// What is known from the beginning, thousands of uses say, is sorted once by `settle`; the heap has what comes after that, which is little.
struct Agenda<Content> {
    private struct Entry {
        var time: Moment
        var order: Int
        var content: Content

        func isBefore(_ other: Entry) -> Bool {
            time.milliseconds == other.time.milliseconds ? order < other.order : time.milliseconds < other.time.milliseconds
        }
    }

    private var heap: [Entry] = []
    /// The latest first, so that the next one is taken from the end.
    private var planned: [Entry] = []
    private var order = 0

    mutating func add(_ content: Content, at time: Moment) {
        order += 1
        let entry = Entry(time: time, order: order, content: content)
        var index = heap.count
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    /// Sorts what was said until now.
    mutating func settle() {
        planned += heap
        heap = []
        planned.sort { $1.isBefore($0) }
    }

    /// Takes the first entry out, unless it is later than `end`.
    mutating func removeFirst(until end: Moment) -> (time: Moment, content: Content)? {
        if let next = planned.last, heap.isEmpty || next.isBefore(heap[0]) {
            guard next.time <= end else { return nil }
            planned.removeLast()
            return (next.time, next.content)
        }
        guard let first = heap.first, first.time <= end, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return (first.time, first.content) }
        // The hole at the top sinks to where the last one fits.
        var index = 0
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(last) else { break }
            heap[index] = heap[child]
            index = child
        }
        heap[index] = last
        return (first.time, first.content)
    }
}
