"""The web server: Streamlit's own, with our start and stop, security headers, and no traceback in a page."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Mapping

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import config

from rag.errors import RagError
from rag.settings import PROJECT_DIR, Settings
from rag.ui.session import close_engine, engine
from rag.ui.text import t

HEADERS = (
    # Streamlit's scripts and styles are inline; nothing is loaded from, sent to or framed by others.
    (
        b"content-security-policy",
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval'; "
        b"style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        b"connect-src 'self' ws: wss:; worker-src 'self' blob:; frame-ancestors 'self'; object-src 'none'; "
        b"base-uri 'self'; form-action 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

SCRIPT = PROJECT_DIR / "streamlit_app.py"
GOODBYE_SECONDS = 3  # for pages that are still open; a container is killed after ten
log = logging.getLogger(__name__)


def serve(settings: Settings, *, host: str, port: int) -> None:
    """Run the app until it is interrupted."""
    configure({"server.address": host, "server.port": port, "server.maxUploadSize": settings.max_file_mb})
    app = st.App(
        SCRIPT,
        lifespan=_lifespan,
        middleware=[Middleware(_SecurityHeaders)],
        on_script_error=_tell,
    )
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        ws_max_size=settings.max_file_mb << 20,
        timeout_graceful_shutdown=GOODBYE_SECONDS,
    )


def configure(options: Mapping[str, str | int]) -> None:
    """Streamlit's options: these, then those of the app's own file, wherever Passage is started.

    Streamlit looks for its file beside a script only if `streamlit run` began it. What neither sets is as the
    environment and Streamlit's files in the home and the working folder say.
    """
    config._main_script_path = str(SCRIPT)
    config.get_config_options(force_reparse=True, options_from_flags=dict(options))


@contextlib.asynccontextmanager
async def _lifespan(_app: st.App) -> AsyncIterator[None]:
    """Load the models while the browser opens; what fails is told on the page."""
    start = asyncio.create_task(asyncio.to_thread(_start))
    yield
    await start
    await asyncio.to_thread(close_engine)


def _start() -> None:
    try:
        engine()
    except RagError as error:
        log.warning("%s", error)


def _tell(error: Exception) -> bool:
    log.error("a page failed", exc_info=error)
    st.error(
        t(
            "Something unexpected went wrong. Reload the page; if it happens again, "
            "look at the server's output."
        ),
        icon=":material/error:",
    )
    return True


class _SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)
