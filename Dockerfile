# Passage in a container: docker build -t passage . && docker run -p 127.0.0.1:8501:8501 -v passage:/data passage
# --build-arg MODELS="multilingual-e5-small qwen2.5-coder-1.5b" puts model files into the image;
# without it they are installed into the volume at the first start.

FROM python:3.12-slim AS build
WORKDIR /app
RUN python -m venv /app/.venv
COPY pyproject.toml constraints.txt README.md ./
COPY rag rag
RUN /app/.venv/bin/pip install --no-cache-dir -c constraints.txt -e .
COPY streamlit_app.py ./
COPY .streamlit .streamlit
COPY data/samples data/samples
ARG MODELS=""
ENV RAG_DATA_DIR=/data/store RAG_MODELS_DIR=/data/models
RUN mkdir -p /data/store /data/models && if [ -n "$MODELS" ]; then /app/.venv/bin/rag models install $MODELS; fi

FROM python:3.12-slim
RUN useradd --create-home --uid 1000 passage
WORKDIR /app
COPY --from=build /app /app
COPY --from=build --chown=passage:passage /data /data
COPY docker-start /app/docker-start
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAG_DATA_DIR=/data/store \
    RAG_MODELS_DIR=/data/models \
    RAG_HOST=0.0.0.0
USER passage
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=10m --start-interval=5s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
CMD ["/app/docker-start"]
