# syntax=docker/dockerfile:1
# The agent's image for a registry, for both architectures:
#
#     docker buildx build --platform linux/amd64,linux/arm64 --tag registry.example/kubebpfbox:0.1.0 --push .
#
# Each architecture is built on itself or emulated: the compiler ahead of time links against libraries of its own. `make image` makes the same files into
# an archive without any registry.

FROM mcr.microsoft.com/dotnet/sdk:10.0 AS sdk

FROM node:22-bookworm-slim AS node

# Debian 12, as `make build` is tested with: its static libbpf, libelf and SQLite are linked in.
FROM debian:bookworm-slim AS build
COPY --from=sdk /usr/share/dotnet /usr/share/dotnet
COPY --from=node /usr/local /usr/local
ENV PATH=/usr/share/dotnet:$PATH DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
WORKDIR /source
COPY scripts/setup.sh scripts/
COPY web/package.json web/package-lock.json web/
RUN apt-get update -q && apt-get install -y -q --no-install-recommends ca-certificates gcc libc6-dev && scripts/setup.sh build image
COPY Directory.Build.props Directory.Packages.props global.json ./
COPY bpf bpf
COPY src src
COPY plugins plugins
COPY protocols protocols
COPY sinks sinks
COPY web web
COPY scripts/image-archive.sh scripts/image-root.sh scripts/
ARG TARGETARCH
RUN case $TARGETARCH in amd64) runtime=linux-x64 ;; arm64) runtime=linux-arm64 ;; *) echo "no $TARGETARCH" >&2; exit 1 ;; esac && \
    dotnet publish src/Agent/Agent.csproj -c Release -o publish -p:RuntimeIdentifier=$runtime && \
    scripts/image-root.sh /image publish/kubebpfbox

FROM scratch
COPY --from=build /image /
ENV PATH=/usr/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
EXPOSE 9500
# Root, with capabilities instead of privileges: Kubernetes gives capabilities to root only (it has no ambient ones), and with allowPrivilegeEscalation: false
# those of a file would not count either. The DaemonSet drops all others.
USER 0:0
ENTRYPOINT ["/usr/bin/kubebpfbox"]
CMD ["run"]
