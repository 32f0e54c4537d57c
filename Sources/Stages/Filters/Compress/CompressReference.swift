import Instruments
public import Pipeline

extension CompressFactory {
    public static let reference = StageReference(
        details: """
            Stands next to `frame` on both sides. Bodies are deflated on the way between agent and server where that pays: the type is
            compressible, nothing has encoded the body already, and both ends have this stage. Clients and origins notice nothing.

            A stream that pauses is flushed, so that events aren't delayed.
            """,
        example: """
            - compress: { level: 6 }
            """,
        metrics: Metrics.all,
        notes: [
            "Bytes of CONNECT are never deflated: they are encrypted as a rule, and what they are can't be known."
        ])
}

extension CompressFactory {
    /// What the stage counts: the stage makes each from here, and the reference lists them.
    enum Metrics {
        static let bodies = MetricDescription(
            .counter, "fluidity_compress_bodies_total", "Bodies that went deflated through the tunnel.", labels: ["body"])
        static let original = MetricDescription(
            .counter, "fluidity_compress_original_bytes_total", "Bytes of these bodies as they were.", labels: ["body"])
        static let deflated = MetricDescription(
            .counter, "fluidity_compress_deflated_bytes_total", "Bytes of these bodies in the tunnel.", labels: ["body"])
        static let saved = MetricDescription(
            .counter, "fluidity_compress_saved_bytes_total", "Bytes that the tunnel did not have to carry.", labels: ["body"])
        static let refused = MetricDescription(
            .counter, "fluidity_compress_refused_bodies_total",
            "Compressed bodies that were not what their heads said.", labels: ["body"])
        static let abandoned = MetricDescription(
            .counter, "fluidity_compress_abandoned_bodies_total",
            "Bodies that turned out not to be compressible.", labels: ["body"])

        static let all = [bodies, original, deflated, saved, refused, abandoned]
    }
}
