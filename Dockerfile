# The image of etcd-backup: the program, and of Debian what it links to.
#
# A release pins both bases: --build-arg SWIFT=6.3.1-bookworm@sha256:… --build-arg DEBIAN=bookworm-slim@sha256:…
ARG SWIFT=6.3.1-bookworm
ARG DEBIAN=bookworm-slim

FROM swift:${SWIFT} AS build
# The newest fixes of Debian 12 are wanted here and below; its versions are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends \
    libcurl4-openssl-dev libexpat1-dev libssl-dev libyaml-dev libzstd-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /etcd-backup
COPY Package.swift ./
COPY Sources Sources
# The manifest names the test targets, so their folders must be there; none is built.
COPY Tests Tests
ARG REVISION
RUN ETCD_BACKUP_COMMIT="${REVISION}" \
    swift build --configuration release --static-swift-stdlib --product etcd-backup \
  && cp .build/release/etcd-backup /usr/local/bin/

FROM debian:${DEBIAN}
# What is removed beside the lists differs from build to build and has no use in an image.
# hadolint ignore=DL3008
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libcurl4 libexpat1 libssl3 libzstd1 \
  && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/cache/ldconfig/* \
    /var/lib/dpkg/*-old /var/log/* /tmp/*
COPY --from=build /usr/local/bin/etcd-backup /usr/local/bin/
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="etcd-backup" \
  org.opencontainers.image.description="Verified etcd snapshots in Azure Blob Storage" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.base.name="debian:bookworm-slim"
# Any user but root will do; a number, so that Kubernetes can see that it is not root.
USER 65532:65532
# A run ends by itself and says how in its exit status.
HEALTHCHECK NONE
ENTRYPOINT ["/usr/local/bin/etcd-backup"]
