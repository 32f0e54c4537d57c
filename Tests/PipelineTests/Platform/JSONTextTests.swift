import Foundation
import Testing

@testable import Platform

@Suite struct JSONTextTests {
    @Test func whatIsWrittenIsReadBack() throws {
        var hostile = String(decoding: (0...0x7F).map(UInt8.init), as: UTF8.self)
        hostile += "\u{2028}\u{FFFD}é\u{1F600}\"\\"
        var json = JSONText()
        json.object { json in
            json.member("te\"xt\n", hostile)
            json.member("number", Int64.min)
            json.key("list")
            json.array { json in
                json.value(true)
                json.null()
                json.value(0.5)
                json.value(3.0)
                json.value(Double.nan)
                json.array { _ in }
                json.object { $0.member("a", "b") }
            }
            json.member("last", "")
        }
        json.newline()
        let read = try #require(try JSONSerialization.jsonObject(with: Data(json.bytes)) as? [String: Any])
        #expect(read["te\"xt\n"] as? String == hostile)
        #expect(read["number"] as? Int64 == Int64.min)
        #expect((read["list"] as? [Any])?.count == 7)
        #expect(read["last"] as? String == "")
        // One line, whatever was in it.
        #expect(json.bytes.filter { $0 < 0x20 || $0 == 0x7F } == [0x0A])
        #expect(json.text.contains("[true,null,0.5,3,null,[],{\"a\":\"b\"}]"))
    }
}
