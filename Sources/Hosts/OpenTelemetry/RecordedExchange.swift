import HTTPMessages
import NIOCore
package import Pipeline

/// The spans of an exchange that is over: itself, and a child for each thing that it waited for.
package struct RecordedExchange: Sendable, Equatable {
    /// One of the things that it waited for.
    package struct Part: Sendable, Equatable {
        /// Its span's, however often that is sent.
        package var id: UInt64
        /// Which.
        package var kind: ExchangeTrace.Part.Kind
        /// When it began, in nanoseconds of the Unix epoch.
        package var began: UInt64
        /// When it ended, in nanoseconds of the Unix epoch.
        package var ended: UInt64
        /// Why it came to nothing; nil where it didn't.
        package var problem: String?
        /// The span of the wait that it was a part of; nil for the exchange's own.
        package var parent: UInt64?
        /// Where it was waited for, where that isn't the exchange's own place.
        package var place: HostPort?
    }

    /// The trace and, as `parent`, the exchange's own span, as the request told those after it.
    package var context: TraceContext
    /// The span of whoever sent the request; nil where the trace began here.
    package var parent: UInt64?
    /// What it was.
    package var exchange: TracedExchange
    /// When it began, in nanoseconds of the Unix epoch.
    package var began: UInt64
    /// When it ended, in nanoseconds of the Unix epoch.
    package var ended: UInt64
    /// What it waited for, in the order in which that began; `ExchangeTrace.limit` of them at most.
    package var parts: [Part]
}
