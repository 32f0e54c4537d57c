public import Pipeline

extension EntrancesFactory {
    public static let reference = StageReference(
        details: """
            Takes the place of a source. Each way in has a name and stages, which are written and checked as those below `pipeline` are: they
            begin with a source and yield exchanges. All of them lead to the one stage behind this one, so that a proxy's port and fixed ways to
            a database share what follows, a tunnel and its sessions say.

            Paths lead into ways by their names: `--set pipeline.entrances.ways.proxy.stages.accept.listen=…`, or the variable
            `FLUIDITY_PIPELINE_ENTRANCES_WAYS_PROXY_STAGES_ACCEPT_LISTEN`.
            """,
        example: """
            - entrances:
                ways:
                  - name: proxy
                    stages:
                      - accept: { listen: "127.0.0.1:8080" }
                      - http
                  - name: database
                    stages:
                      - accept: { listen: "127.0.0.1:5432" }
                      - forward: { to: "db.internal:5432" }
            """,
        notes: [
            "A way in can have filters of its own, `auth` for the proxy's clients say.",
            "A way in has no `entrances` itself.",
        ])
}
