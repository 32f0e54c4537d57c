/// What `deployments/deploy --package` needs of a package.
extension StageTemplate {
    /// The files of the folder `deployment`, each by its path in the package.
    var deployment: [(path: String, text: String)] {
        [
            ("deployment/package.json", "{ \"product\": \"\(name)-tunnel\" }\n"),
            ("deployment/Dockerfile", dockerfile),
            ("deployment/server.yaml", serverPipeline),
        ]
    }

    private var serverPipeline: String {
        """
        # The server with the stage in it, as deployments/deploy puts it on AWS. Certificate, key and authority come in the
        # environment; 'deploy --config FILE' has a server take another pipeline without another image.
        host: server
        log: { format: json }
        drain: 110s
        admin: { listen: "127.0.0.1:9900" }

        pipeline:
          - accept: { listen: "0.0.0.0:8443" }
          - mtls:
              certificate: "${env:FLUIDITY_CERTIFICATE}"
              key: "${env:FLUIDITY_KEY}"
              ca: "${env:FLUIDITY_CA}"
          - frame: { codec: mux }
          - rate-limit: { by: client, requests: 200/s, burst: 1000 }
          - \(name): { value: hello }
          # The control plane knows by it whether the server is used.
          - metrics: {}
          - fetch: { destinations: public }

        """
    }

    private var dockerfile: String {
        """
        # The server's image with this package's stages: 'deployments/deploy --package FOLDER' of Fluidity builds it, in a folder that
        # has this package as 'package' and Fluidity as 'fluidity'.
        ARG BUILDER=docker.io/library/swift:6.3-bookworm
        ARG BASE=docker.io/library/debian:12-slim

        FROM ${BUILDER} AS build
        # The package's program, and where its manifest says that Fluidity is.
        ARG PRODUCT=\(name)-tunnel
        ARG FLUIDITY=/fluidity
        RUN apt-get update -qq \\
            && apt-get install -qq -y --no-install-recommends ca-certificates git libssl-dev libcurl4-openssl-dev zlib1g-dev \\
                libyaml-dev libc-ares-dev \\
            && rm -rf /var/lib/apt/lists/*
        COPY fluidity ${FLUIDITY}
        COPY package /src/package
        RUN "${FLUIDITY}/scripts/build-release" "${PRODUCT}" /src/package \\
            && install -D --strip "/src/package/.build/release/${PRODUCT}" /out/fluidity

        FROM ${BASE} AS server
        RUN useradd --system --uid 10001 --no-create-home --home-dir / --shell /usr/sbin/nologin fluidity
        COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
        COPY --from=build /out/fluidity /usr/local/bin/fluidity
        COPY package/deployment/server.yaml /etc/fluidity/server.yaml
        USER 10001:10001
        STOPSIGNAL SIGTERM
        EXPOSE 8443
        ENTRYPOINT ["/usr/local/bin/fluidity"]
        CMD ["server", "--config", "/etc/fluidity/server.yaml"]

        """
    }
}
