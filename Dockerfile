# One image for the API, the workers and the simulators; docker-compose.yml says how each is run.

FROM python:3.13.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build

# The tools have an environment of their own, so that none of them is in the one that is shipped.
COPY requirements.build.lock ./
RUN python -m venv tools \
    && tools/bin/python -m pip install --require-hashes --only-binary :all: -r requirements.build.lock
COPY requirements.runtime.lock ./
RUN python -m venv --without-pip /opt/throughline \
    && tools/bin/python -m pip --python /opt/throughline/bin/python install \
        --require-hashes --only-binary :all: -r requirements.runtime.lock

# The project itself needs no network.
COPY pyproject.toml README.md worker.py ./
COPY domain domain
COPY adapters adapters
COPY activities activities
COPY workflows workflows
COPY api api
COPY stack stack
COPY benchmarks benchmarks
RUN tools/bin/python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir wheels . \
    && tools/bin/python -m pip --python /opt/throughline/bin/python install \
        --no-index --no-deps wheels/*.whl \
    && /opt/throughline/bin/python -m compileall -q /opt/throughline

FROM python:3.13.13-slim-bookworm
RUN groupadd --gid 10001 throughline \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/throughline \
        --shell /usr/sbin/nologin throughline \
    && install -d -o 10001 -g 10001 -m 0750 /var/lib/throughline
COPY --from=build /opt/throughline /opt/throughline
ENV PATH=/opt/throughline/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /var/lib/throughline
# The API; the metrics of the API; those of a worker.
EXPOSE 8400 8401 8402
CMD ["python", "-m", "api"]
