# The app for a server. CPU by default; for CUDA: docker build --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu128 .
# docs/deploy.md says how to run it.
FROM python:3.11-slim

ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 acrnn \
    && install --directory --owner acrnn /data

WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --extra-index-url "$TORCH_INDEX" -r requirements.txt
COPY --chown=acrnn . .

USER acrnn
ENV ACRNN_DATA=/data/datasets \
    ACRNN_RUNS=/data/runs \
    ACRNN_LABELS=/data/labels \
    ACRNN_CHECKPOINTS=/data/checkpoints \
    ACRNN_RESULTS=/data/results \
    ACRNN_DATASETS=/data/folds \
    ACRNN_CACHE=/data/cache \
    NUMBA_CACHE_DIR=/tmp/numba
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
ENTRYPOINT ["python", "-m", "streamlit", "run", "app.py", "--server.address=0.0.0.0", "--server.port=8501"]
