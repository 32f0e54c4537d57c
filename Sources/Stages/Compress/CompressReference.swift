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
        metrics: [
            MetricDescription(
                .counter, "fluidity_compress_bodies_total",
                "Bodies that went deflated through the tunnel."),
            MetricDescription(
                .counter, "fluidity_compress_original_bytes_total",
                "Bytes of these bodies as they were."),
            MetricDescription(
                .counter, "fluidity_compress_deflated_bytes_total",
                "Bytes of these bodies in the tunnel."),
            MetricDescription(
                .counter, "fluidity_compress_saved_bytes_total",
                "Bytes that the tunnel did not have to carry."),
            MetricDescription(
                .counter, "fluidity_compress_refused_bodies_total",
                "Compressed bodies that were not what their heads said."),
            MetricDescription(
                .counter, "fluidity_compress_abandoned_bodies_total",
                "Bodies that turned out not to be compressible."),
        ],
        notes: [
            "Bytes of CONNECT are never deflated: they are encrypted as a rule, and what they are can't be known."
        ])
}
