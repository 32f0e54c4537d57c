package import NIOCore

/// What stands between a connection and the library for what comes: heads whose fields have bytes beyond ASCII are written anew, with the
/// characters of `H2Text`, for the library would put others in their place and count its table's size by those. Everything else passes as
/// it came, and so do a connection's heads until the first such byte.
package struct H2IncomingHeads: Sendable {
    /// The least frame size that everybody takes (RFC 9113, 4.2).
    private static let pieceSize = 16_384

    private let headLimit: Int
    private let frameLimit: Int
    private let blockLimit: Int
    private let continuationLimit: Int
    private var decoder: H2FieldDecoder
    /// How many of the bytes to come belong to what has begun and concerns nobody here.
    private var passing: Int
    /// A frame's header that isn't complete, or the frames of a head.
    private var held = ByteBuffer()
    /// Where the last frame begins in `held`.
    private var frameStart = 0
    private var frames = 0
    /// What the frames of a head have of its fields.
    private var block = ByteBuffer()
    /// Once a head was written anew, all are: the library's table has nothing to go by.
    private var rewrites = false
    /// The library will find what is wrong, and ends the connection.
    private var isOver = false

    /// - Parameter preface: How many bytes stand in front of the first frame.
    package init(preface: Int) {
        self.init(
            preface: preface, headLimit: H2Configuration.headLimit, listLimit: H2Configuration.headerListLimit,
            continuationLimit: H2Configuration.continuationLimit)
    }

    private init(preface: Int, headLimit: Int, listLimit: Int, continuationLimit: Int) {
        passing = preface
        self.headLimit = headLimit
        frameLimit = headLimit
        blockLimit = listLimit
        self.continuationLimit = continuationLimit
        decoder = H2FieldDecoder(listLimit: listLimit)
    }

    /// Calls `pass` with what is for the library, in order.
    package mutating func take(_ input: ByteBuffer, _ pass: (ByteBuffer) -> Void) {
        var bytes = input
        // What may pass of them.
        var ready = 0
        func flush() {
            if ready > 0, let part = bytes.readSlice(length: ready) { pass(part) }
            ready = 0
        }
        while ready < bytes.readableBytes {
            if isOver {
                ready = bytes.readableBytes
            } else if passing > 0 {
                let count = min(passing, bytes.readableBytes - ready)
                passing -= count
                ready += count
            } else if held.readableBytes == 0, let header = H2FrameHeader(bytes, at: bytes.readerIndex + ready), !header.beginsHead
            {
                passing = header.length
                ready += H2FrameHeader.size
            } else {
                flush()
                hold(&bytes, pass)
            }
        }
        flush()
    }

    /// Takes what is missing of a frame's header, or of a frame of a head.
    private mutating func hold(_ bytes: inout ByteBuffer, _ pass: (ByteBuffer) -> Void) {
        if var part = bytes.readSlice(length: min(bytes.readableBytes, missing)) { held.writeBuffer(&part) }
        guard let header = H2FrameHeader(held, at: frameStart) else { return }
        let isExpected =
            frames == 0 ? header.beginsHead : header.type == H2FrameHeader.continuation && header.stream == first?.stream
        guard isExpected, header.length <= frameLimit, frames <= continuationLimit else {
            // Another frame, which passes, or one that the library ends the connection for.
            isOver = frames > 0 || header.beginsHead
            if !isOver { passing = header.length }
            return release(pass)
        }
        guard missing == 0 else { return }
        guard let fragment = fragment(header) else {
            isOver = true
            return release(pass)
        }
        var part = fragment
        block.writeBuffer(&part)
        frames += 1
        frameStart = held.writerIndex
        guard block.readableBytes <= blockLimit else { return spoil(pass) }
        if header.flags & H2FrameHeader.endHeaders != 0 { complete(pass) }
    }

    private var missing: Int {
        let count = held.writerIndex - frameStart
        return (H2FrameHeader(held, at: frameStart).map { H2FrameHeader.size + $0.length } ?? H2FrameHeader.size) - count
    }

    private var first: H2FrameHeader? { H2FrameHeader(held, at: 0) }

    /// The part of a frame that belongs to the block of fields, or nil if its padding says that there is none.
    private func fragment(_ header: H2FrameHeader) -> ByteBuffer? {
        let payload = frameStart + H2FrameHeader.size
        guard header.type != H2FrameHeader.continuation else { return held.getSlice(at: payload, length: header.length) }
        let isPadded = header.flags & H2FrameHeader.padded != 0
        let front = (isPadded ? 1 : 0) + prefix(header)
        let padding = isPadded ? held.getInteger(at: payload, as: UInt8.self).map(Int.init) ?? 0 : 0
        guard front + padding <= header.length else { return nil }
        return held.getSlice(at: payload + front, length: header.length - front - padding)
    }

    /// How many bytes stand in front of the fields in a head's first frame: a priority, or the number of the stream that is promised.
    private func prefix(_ header: H2FrameHeader) -> Int {
        header.type == H2FrameHeader.pushPromise ? 4 : header.flags & H2FrameHeader.priority != 0 ? 5 : 0
    }

    private mutating func complete(_ pass: (ByteBuffer) -> Void) {
        switch decoder.decode(block) {
        case .malformed: spoil(pass)
        case .tooLarge where rewrites: spoil(pass)
        case .tooLarge:
            isOver = true
            release(pass)
        case .fields(let fields):
            guard rewrites || fields.contains(where: \.isBeyondASCII) else { return release(pass) }
            rewrites = true
            pass(rewritten(Self.write(fields, upTo: headLimit)))
            clear()
        }
    }

    /// Gives the library a head that it ends the connection for.
    private mutating func spoil(_ pass: (ByteBuffer) -> Void) {
        isOver = true
        pass(rewritten(ByteBuffer(bytes: [0x80])))
        clear()
    }

    private mutating func release(_ pass: (ByteBuffer) -> Void) {
        pass(held)
        clear()
    }

    private mutating func clear() {
        held = ByteBuffer()
        block = ByteBuffer()
        frameStart = 0
        frames = 0
    }

    /// The frames of the head that is held, with another block of fields.
    private func rewritten(_ block: ByteBuffer) -> ByteBuffer {
        guard var header = first else { return held }
        var block = block
        var frames = ByteBuffer()
        let isPadded = header.flags & H2FrameHeader.padded != 0
        var front = held.getSlice(at: H2FrameHeader.size + (isPadded ? 1 : 0), length: prefix(header)) ?? ByteBuffer()
        header.flags &= ~(H2FrameHeader.padded | H2FrameHeader.endHeaders)
        repeat {
            var piece = block.readSlice(length: min(block.readableBytes, Self.pieceSize - front.readableBytes)) ?? ByteBuffer()
            header.length = front.readableBytes + piece.readableBytes
            if block.readableBytes == 0 { header.flags |= H2FrameHeader.endHeaders }
            header.write(to: &frames)
            frames.writeBuffer(&front)
            frames.writeBuffer(&piece)
            header.type = H2FrameHeader.continuation
            header.flags = 0
        } while block.readableBytes > 0
        return frames
    }

    /// Fields for a reader that has no table, until there are more than `limit` bytes of them: such a list is refused whatever else it has.
    private static func write(_ fields: [H2Field], upTo limit: Int) -> ByteBuffer {
        var block = ByteBuffer()
        var size = 0
        for field in fields where size <= limit {
            size += field.size
            H2FieldWriter.begin(name: 0, isNeverIndexed: field.isNeverIndexed, to: &block)
            for part in [field.name, field.value] {
                let text = part.prefix(limit + 1).withUnsafeBytes { H2Text.text($0) }
                H2FieldWriter.write(plain: text.utf8, to: &block)
            }
        }
        return block
    }
}
