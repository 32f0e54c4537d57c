import HTTPMessages
import NIOCore

@testable import TunnelStages

extension MuxHeadCoding {
    static func encode(_ head: RequestHead) -> ByteBuffer? {
        var out = ByteBuffer()
        return encode(head, into: &out) ? out : nil
    }

    static func encode(_ head: ResponseHead) -> ByteBuffer? {
        var out = ByteBuffer()
        return encode(head, into: &out) ? out : nil
    }
}
