# Lectern in one image: the binary, pip (which carries the default models where no model hub can be
# reached), a volume for the library and one for the models.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked -p app

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl python3-pip \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 lectern \
    && install -d -o lectern -g lectern /data /models
COPY --from=build /src/target/release/lectern /usr/local/bin/lectern
USER lectern
ENV LECTERN_DATA_DIR=/data LECTERN_MODELS_DIR=/models LECTERN_ADDR=0.0.0.0:8080
VOLUME ["/data", "/models"]
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD curl --fail --silent http://127.0.0.1:8080/health/ready || exit 1
# Beyond loopback Lectern refuses to start without a token: give LECTERN_TOKEN.
ENTRYPOINT ["lectern"]
CMD ["serve"]
