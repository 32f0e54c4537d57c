import ConfigurationLanguage
public import Pipeline

extension Step where Input == Start, Output == Exchange {
    /// Has several ways in, which share what comes behind.
    public static func entrances(_ ways: Entrance...) -> Step {
        Step(EntrancesFactory()) { $0.ways = ways }
    }
}
