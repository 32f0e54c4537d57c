import HTTPMessages
import NIOCore
import Pipeline

/// Writes frames behind what a buffer holds. For DATA only the header is written: the payload goes out as it is.
enum MuxFrameEncoder {
    static func header(
        _ kind: MuxFrame.Kind, stream: UInt32, length: Int, end: Bool = false, into out: inout ByteBuffer
    ) {
        let type = UInt64(kind.rawValue | (end ? MuxFrame.endFlag : 0))
        out.writeInteger(UInt64(length) << 40 | type << 32 | UInt64(stream))
    }

    static func hello(_ settings: MuxSettings, into out: inout ByteBuffer) {
        let takesDeflate = settings.offers.contains(.deflate)
        let extensions =
            (takesDeflate ? 5 : 0) + (settings.takesClientNames ? 4 : 0) + (settings.keepsRate ? 4 : 0)
            + (settings.correlates ? 4 : 0)
            + (settings.resumes ? 4 + (settings.offer?.length ?? 0) : 0)
            + (settings.attach == nil ? 0 : 4 + MuxAttach.length)
        header(.hello, stream: 0, length: 22 + extensions, into: &out)
        out.writeMultipleIntegers(
            MuxSettings.magic, settings.version, settings.streamWindow, settings.sessionWindow, settings.maxStreams)
        if takesDeflate {
            out.writeMultipleIntegers(MuxSettings.codingsExtension, UInt16(1), MuxSettings.deflateCoding)
        }
        if settings.takesClientNames { out.writeMultipleIntegers(MuxSettings.clientNamesExtension, UInt16(0)) }
        if settings.keepsRate { out.writeMultipleIntegers(MuxSettings.keepsRateExtension, UInt16(0)) }
        if settings.correlates { out.writeMultipleIntegers(MuxSettings.correlationExtension, UInt16(0)) }
        if settings.resumes {
            out.writeMultipleIntegers(MuxSettings.resumptionExtension, UInt16(settings.offer?.length ?? 0))
            settings.offer?.write(into: &out)
        }
        if let attach = settings.attach {
            out.writeMultipleIntegers(MuxSettings.attachExtension, UInt16(MuxAttach.length))
            attach.token.write(into: &out)
            out.writeInteger(attach.position)
        }
    }

    static func acknowledged(_ position: UInt64, into out: inout ByteBuffer) {
        header(.acknowledged, stream: 0, length: 8, into: &out)
        out.writeInteger(position)
    }

    static func attached(_ answer: MuxAttachAnswer, into out: inout ByteBuffer) {
        header(.attached, stream: 0, length: answer.length, into: &out)
        answer.write(into: &out)
    }

    static func window(stream: UInt32, increment: UInt32, into out: inout ByteBuffer) {
        header(.window, stream: stream, length: 4, into: &out)
        out.writeInteger(increment)
    }

    static func reset(stream: UInt32, _ failure: Failure, into out: inout ByteBuffer) {
        let message = bounded(failure.message)
        header(.reset, stream: stream, length: 2 + message.count, into: &out)
        out.writeInteger(failure.code.rawValue)
        out.writeBytes(message)
    }

    /// The payload of REASON.
    static func reason(_ failure: Failure, into out: inout ByteBuffer) {
        out.writeInteger(failure.code.rawValue)
        out.writeBytes(bounded(failure.message))
    }

    static func goAway(last: UInt32, _ failure: Failure, into out: inout ByteBuffer) {
        let message = bounded(failure.message)
        header(.goAway, stream: 0, length: 6 + message.count, into: &out)
        out.writeMultipleIntegers(last, failure.code.rawValue)
        out.writeBytes(message)
    }

    static func ping(_ token: UInt64, isReply: Bool, into out: inout ByteBuffer) {
        header(isReply ? .pong : .ping, stream: 0, length: 8, into: &out)
        out.writeInteger(token)
    }

    /// As much of a message as may be sent, cut between two characters' bytes.
    private static func bounded(_ message: String) -> String.UTF8View.SubSequence {
        let bytes = message.utf8
        guard var end = bytes.index(bytes.startIndex, offsetBy: MuxLimits.message, limitedBy: bytes.endIndex) else {
            return bytes[...]
        }
        while end < bytes.endIndex, bytes[end] & 0xC0 == 0x80 { end = bytes.index(before: end) }
        return bytes[..<end]
    }
}
