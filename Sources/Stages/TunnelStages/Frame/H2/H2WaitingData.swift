package import NIOCore

/// What comes on a connection, frame by frame, but for the bodies of streams that aren't read: each waits here in one buffer of its own.
///
/// The library would keep every DATA frame of such a stream by itself, as a slice of all that was read with it: one byte would keep a megabyte
/// from being freed, and no window bounds that.
package struct H2WaitingData: Sendable {
    /// What has come of a stream that isn't read.
    private struct Waiting {
        var bytes = ByteBuffer()
        /// What the window counts beside the bytes (RFC 9113, 6.1).
        var padding = 0
        /// The stream is read again.
        var isDue = false

        /// What the windows count.
        var size: Int { bytes.readableBytes + padding }
    }

    /// A DATA frame that is made here has at most so many bytes: everybody takes it (RFC 9113, 4.2).
    private static let pieceSize = 16_384
    /// What padding may add to a frame, with the byte that counts it.
    private static let paddingLimit = 256

    private let windowLimit: Int
    private let connectionLimit: Int
    /// What waits of all streams.
    private var size = 0
    /// What is to be looked at, and what came while it was.
    private var input = ByteBuffer()
    private var following = CircularBuffer<ByteBuffer>(initialCapacity: 2)
    /// What goes on next.
    private var ready = CircularBuffer<ByteBuffer>(initialCapacity: 4)
    /// How many of the bytes to come belong to what goes on as it is.
    private var passing: Int
    /// A frame's header that isn't complete.
    private var header = ByteBuffer()
    /// A DATA frame of which something is still to come, with the length of that.
    private var begun: H2FrameHeader?
    /// What has come of a frame with padding.
    private var padded = ByteBuffer()
    /// The frames of a head follow one another, with nothing between them (RFC 9113, 4.3).
    private var isInHead = false
    private var streams: [UInt32: Waiting] = [:]
    private var due: [UInt32] = []

    /// What comes from the start of a connection.
    ///
    /// - Parameters:
    ///   - preface: How many bytes stand in front of the first frame.
    ///   - window: How many bytes a peer may send on a stream beyond those that were read.
    ///   - connectionWindow: How many on the whole connection. The library opens that again when half of what it knows was used.
    package init(preface: Int, window: Int, connectionWindow: Int) {
        passing = preface
        // Until a peer has read the settings it goes by the window that the RFC begins with, and the library then adds the difference to that
        // of streams which have all of it already.
        windowLimit = max(H2Configuration.serverWindow, 2 * window - H2Configuration.serverWindow)
        connectionLimit = connectionWindow / 4
    }

    // MARK: - Streams

    /// From now on what comes of the stream's body waits.
    package mutating func pause(_ stream: UInt32) { streams[stream, default: Waiting()].isDue = false }

    /// The stream is read again. The result is whether `next` has something of it.
    package mutating func resume(_ stream: UInt32) -> Bool {
        guard let waiting = streams[stream] else { return false }
        guard waiting.size > 0 else {
            streams[stream] = nil
            return false
        }
        streams[stream]?.isDue = true
        due.append(stream)
        return true
    }

    /// The stream has ended, and nobody wants what waits. The result is by how much the connection's window is to be opened for that.
    package mutating func forget(_ stream: UInt32) -> Int {
        let count = streams.removeValue(forKey: stream)?.size ?? 0
        size -= count
        return count
    }

    /// No more will come on the connection: what waits goes on, read or not.
    package mutating func end() {
        for stream in streams.keys { _ = resume(stream) }
    }

    // MARK: - Bytes

    /// Takes what has come, for `next` to give.
    package mutating func add(_ bytes: ByteBuffer) {
        if bytes.readableBytes > 0 { following.append(bytes) }
    }

    /// What goes on next, if anything does. Frames with a body are given one by one, for each may have its stream paused.
    package mutating func next() -> ByteBuffer? {
        while true {
            if let part = ready.popFirst() { return part }
            if passing == 0, !isInHead, let stream = due.popLast() {
                if streams[stream]?.isDue == true { release(stream) }
                continue
            }
            if input.readableBytes == 0 {
                // What was read keeps no memory while nothing comes.
                input = following.popFirst() ?? ByteBuffer()
                guard input.readableBytes > 0 else { return nil }
            }
            if passing > 0 {
                let count = min(passing, input.readableBytes)
                passing -= count
                return input.readSlice(length: count)
            }
            if let frame = begun { goOn(frame) } else { begin() }
        }
    }

    private mutating func begin() {
        if header.readableBytes == 0, let frame = H2FrameHeader(input, at: input.readerIndex) {
            // Most frames are whole, and go on without a copy.
            if frame.type == H2FrameHeader.data, streams[frame.id] == nil, frame.length > 0,
                let whole = input.readSlice(length: H2FrameHeader.size + frame.length)
            {
                return ready.append(whole)
            }
            input.moveReaderIndex(forwardBy: H2FrameHeader.size)
            return begin(frame)
        }
        let missing = H2FrameHeader.size - header.readableBytes
        if var part = input.readSlice(length: min(missing, input.readableBytes)) { header.writeBuffer(&part) }
        guard let frame = H2FrameHeader(header, at: header.readerIndex) else { return }
        header = ByteBuffer()
        begin(frame)
    }

    private mutating func begin(_ frame: H2FrameHeader) {
        // A frame that is too large goes on, for the library to refuse.
        if frame.type == H2FrameHeader.data, frame.length <= H2Configuration.headLimit {
            if frame.length > 0 {
                begun = frame
                return
            }
            // What says nothing but that it is the last says it behind what waits.
            if frame.isLast, streams[frame.id] != nil { return wait(frame.id, ByteBuffer(), isLast: true) }
        }
        if frame.beginsHead || frame.type == H2FrameHeader.continuation { isInHead = frame.flags & H2FrameHeader.endHeaders == 0 }
        // The stream isn't read all the same, but what ends it stays behind what it ends.
        if frame.beginsHead || frame.type == H2FrameHeader.reset { release(frame.id) }
        ready.append(frame.bytes)
        passing = frame.length
    }

    /// Takes what has come of a DATA frame's payload. Each such part becomes a frame, so that the next may wait.
    private mutating func goOn(_ frame: H2FrameHeader) {
        guard let part = input.readSlice(length: min(frame.length, input.readableBytes)) else { return }
        let isWhole = part.readableBytes == frame.length
        if frame.flags & H2FrameHeader.padded != 0 {
            padded.writeImmutableBuffer(part)
            begun?.length -= part.readableBytes
            guard isWhole else { return }
            begun = nil
            let payload = padded
            padded = ByteBuffer()
            return take(payload, frame)
        }
        begun?.length -= part.readableBytes
        if isWhole { begun = nil }
        if streams[frame.id] != nil { return wait(frame.id, part, isLast: isWhole && frame.isLast) }
        append(part, of: frame.id, isLast: isWhole && frame.isLast)
    }

    /// Takes the whole payload of a frame with padding.
    private mutating func take(_ payload: ByteBuffer, _ frame: H2FrameHeader) {
        let padding = 1 + Int(payload.getInteger(at: payload.readerIndex, as: UInt8.self) ?? 0)
        let data = payload.getSlice(at: payload.readerIndex + 1, length: payload.readableBytes - padding)
        // Without any data it is for the library to count, and so is what has more padding than there is room for.
        guard streams[frame.id] != nil, let data, data.readableBytes > 0 || frame.isLast else {
            var whole = frame
            whole.length = payload.readableBytes
            ready.append(whole.bytes)
            return ready.append(payload)
        }
        wait(frame.id, data, padding: padding, isLast: frame.isLast)
    }

    private mutating func wait(_ stream: UInt32, _ bytes: ByteBuffer, padding: Int = 0, isLast: Bool) {
        // In the same place, for a copy of the buffer would be one of its bytes.
        streams[stream, default: Waiting()].bytes.writeImmutableBuffer(bytes)
        streams[stream]?.padding += padding
        size += bytes.readableBytes + padding
        // The library is to know of the end, and of a peer that goes beyond its window, for which it ends the connection.
        guard isLast || size > connectionLimit || streams[stream].map({ $0.size > windowLimit }) == true else { return }
        release(stream, isLast: isLast)
    }

    /// Has everything go on that waits of a stream. Unless that is read again, what comes next waits.
    private mutating func release(_ stream: UInt32, isLast: Bool = false) {
        guard var waiting = streams[stream] else { return }
        streams[stream] = waiting.isDue ? nil : Waiting()
        size -= waiting.size
        // The window counts padding, so as much of it must be seen as came: at most as many frames as brought it have it.
        while waiting.padding > 0 {
            let padding = min(waiting.padding, Self.paddingLimit)
            waiting.padding -= padding
            let data = waiting.bytes.readSlice(length: min(1, waiting.bytes.readableBytes)) ?? ByteBuffer()
            let isEnd = isLast && waiting.size == 0
            let flags = H2FrameHeader.padded | (isEnd ? H2FrameHeader.endStream : 0)
            let length = padding + data.readableBytes
            var frame = H2FrameHeader(length: length, type: H2FrameHeader.data, flags: flags, stream: stream).bytes
            frame.writeInteger(UInt8(padding - 1))
            frame.writeImmutableBuffer(data)
            frame.writeRepeatingByte(0, count: padding - 1)
            ready.append(frame)
            if isEnd { return }
        }
        while waiting.bytes.readableBytes > 0 {
            let part = waiting.bytes.readSlice(length: min(Self.pieceSize, waiting.bytes.readableBytes)) ?? ByteBuffer()
            append(part, of: stream, isLast: isLast && waiting.bytes.readableBytes == 0)
            if waiting.bytes.readableBytes == 0 { return }
        }
        if isLast { append(ByteBuffer(), of: stream, isLast: true) }
    }

    private mutating func append(_ data: ByteBuffer, of stream: UInt32, isLast: Bool) {
        let flags = isLast ? H2FrameHeader.endStream : 0
        ready.append(H2FrameHeader(length: data.readableBytes, type: H2FrameHeader.data, flags: flags, stream: stream).bytes)
        if data.readableBytes > 0 { ready.append(data) }
    }
}
