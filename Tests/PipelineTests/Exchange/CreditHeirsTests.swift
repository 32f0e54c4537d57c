import Testing

@testable import Pipeline

/// Who is owed credit after an exchange's end.
@Suite struct CreditHeirsTests {
    private final class Source: ExchangeSource {
        var inherits = true
        override var heir: ExchangeSource? { inherits ? self : nil }
    }

    private final class Sink: ExchangeSink {
        var inherits = true
        override var heir: ExchangeSink? { inherits ? self : nil }
    }

    @Test func `Both ends are`() {
        let (source, sink) = (Source(), Sink())
        var heirs = CreditHeirs()
        heirs.ended(source: source, sink: sink, isWithinAnother: false)
        #expect(heirs.ofSource === source && heirs.ofSink === sink)
    }

    @Test func `An end that wants none is held by nobody`() {
        let (source, sink) = (Source(), Sink())
        (source.inherits, sink.inherits) = (false, false)
        var heirs = CreditHeirs()
        heirs.ended(source: source, sink: sink, isWithinAnother: false)
        #expect(heirs.ofSource == nil && heirs.ofSink == nil)
    }

    @Test func `An exchange within another doesn't hold whoever holds it`() {
        let sink = Sink()
        var heirs = CreditHeirs()
        heirs.ended(source: Source(), sink: sink, isWithinAnother: true)
        #expect(heirs.ofSource == nil && heirs.ofSink === sink)
    }

    @Test func `A sink that was dismissed is, unless another comes`() {
        let (first, second) = (Sink(), Sink())
        var heirs = CreditHeirs()
        heirs.dismissed(first)
        #expect(heirs.ofSink === first)
        heirs.ended(source: nil, sink: nil, isWithinAnother: false)
        #expect(heirs.ofSink === first)
        heirs.ended(source: nil, sink: second, isWithinAnother: false)
        #expect(heirs.ofSink === second)
    }

    @Test func `One that is dismissed and wants none takes the place of the one before`() {
        let (first, second) = (Sink(), Sink())
        second.inherits = false
        var heirs = CreditHeirs()
        heirs.dismissed(first)
        heirs.dismissed(second)
        #expect(heirs.ofSink == nil)
    }
}
