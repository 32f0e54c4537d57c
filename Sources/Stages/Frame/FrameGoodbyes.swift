import Pipeline

/// What agents say when they leave for good, and lost connections don't.
enum FrameGoodbyes {
    static func counter(on shard: Shard) -> Counter {
        shard.metrics.counter("fluidity_frame_goodbyes_total", "Agents that said that they leave.")
    }
}
