# syntax=docker/dockerfile:1
# The gateway on Debian slim. Wheels are locked by hash; what builds stays behind in the first stage.

FROM debian:bookworm-slim AS build
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# Debian's own security updates are wanted, so its packages are not pinned.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements/run.txt requirements/build.txt requirements/
# /opt/build has pip and setuptools; /opt/galateo, which goes into the image, has neither.
RUN python3 -m venv /opt/build \
    && python3 -m venv --without-pip /opt/galateo \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt \
    && /opt/build/bin/pip wheel --no-cache-dir --require-hashes --no-deps --no-build-isolation \
        --wheel-dir /wheels -r requirements/run.txt \
    && /opt/build/bin/pip --python /opt/galateo/bin/python install --no-cache-dir --no-index --no-deps \
        --compile /wheels/*.whl
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
# gateway/shipped is a link to them.
COPY policies policies
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /own . \
    && /opt/build/bin/pip --python /opt/galateo/bin/python install --no-cache-dir --no-index --no-deps \
        --compile /own/*.whl

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends python3 ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 galateo \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/galateo --shell /usr/sbin/nologin galateo \
    && install -d -o galateo -g galateo -m 0750 /var/lib/galateo
COPY --from=build /opt/galateo /opt/galateo
COPY policies /etc/galateo/policies
COPY LICENSE /usr/share/doc/galateo/LICENSE
ENV PATH=/opt/galateo/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GALATEO_SMTP_LISTEN=0.0.0.0:2525 \
    GALATEO_HTTP_LISTEN=0.0.0.0:8080 \
    GALATEO_OPS_LISTEN=0.0.0.0:8081 \
    GALATEO_DATABASE=sqlite:////var/lib/galateo/galateo.db \
    GALATEO_POLICIES=/etc/galateo/policies \
    GALATEO_ACCESS=/etc/galateo/access/access.yaml
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /var/lib/galateo
# All that is written: the embedded database, its keys, and nothing else but /tmp.
VOLUME ["/var/lib/galateo"]
EXPOSE 2525 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["galateo", "health"]
ENTRYPOINT ["galateo"]
CMD ["serve"]
