import Testing

@testable import TunnelStages

@Suite struct EnrolMessageTests {
    @Test func `Requests`() {
        let request = EnrolMessage.Request(code: [1, 2, 3], certificateRequest: [4, 5])
        #expect(request.line == "enrol AQID BAU=\n")
        #expect(EnrolMessage.Request("enrol AQID BAU=") == request)
        for text in [
            "", "enrol", "enrol AQID", "enrol AQID BAU= x", "enrol  BAU=x", "Enrol AQID BAU=", "enrol AQI BAU=", "GET / HTTP/1.1",
        ] {
            #expect(EnrolMessage.Request(text) == nil)
        }
    }

    @Test func `Answers`() {
        let granted = EnrolMessage.Answer.granted(certificate: [1, 2, 3], serverName: "a.example")
        #expect(granted.line == "granted AQID a.example\n")
        #expect(EnrolMessage.Answer("granted AQID a.example") == granted)
        #expect(EnrolMessage.Answer("refused for a reason") == .refused("for a reason"))
        #expect(EnrolMessage.Answer.refused("for a reason").line == "refused for a reason\n")
        for text in ["", "granted", "granted AQID", "granted AQI a", "refused", "other AQID a"] {
            #expect(EnrolMessage.Answer(text) == nil)
        }
    }
}
