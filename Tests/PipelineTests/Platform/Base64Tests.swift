import NIOCore
import Platform
import Testing

@Suite struct Base64Tests {
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
        ("\u{FF}\u{FE}~?>", "w7/Dvn4/Pg=="),
    ])
    func `The examples of RFC 4648`(plain: String, encoded: String) {
        #expect(Base64.encode(plain) == encoded)
        #expect(decode(encoded) == ByteBuffer(string: plain))
    }

    @Test func `Every byte at every place`() {
        for length in 1...9 {
            for byte in UInt8.min...UInt8.max {
                let bytes = ByteBuffer(bytes: (0..<length).map { byte &+ UInt8(truncatingIfNeeded: $0 * 37) })
                var text = ByteBuffer()
                Base64.encode(bytes, into: &text)
                #expect(text.readableBytes == Base64.encodedLength(length))
                #expect(decode(String(buffer: text)) == bytes)
            }
        }
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Z===", "Zm9v\n", "Zm-v", "Zm_v", "Zg= ", "Zm\u{FF}v", "=Zm9",
    ])
    func `What is no Base64 is refused`(text: String) {
        #expect(decode(text) == nil)
    }

    private func decode(_ text: String) -> ByteBuffer? {
        ByteBuffer(string: text).withUnsafeReadableBytes { Base64.decode($0) }
    }
}
