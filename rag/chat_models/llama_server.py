"""The process of the built-in model: a llama.cpp server on 127.0.0.1 that ends with its parent.

`python -m rag.chat_models.llama_server MODEL.gguf` prints its address when it is ready.
The key comes in PASSAGE_LLAMA_KEY, because everyone may read a process's arguments.
"""

import os
import signal
import sys
import threading
from typing import Any

KEY_VARIABLE = "PASSAGE_LLAMA_KEY"

SLOTS = 2
WINDOW_TOKENS = 4096
LONGEST_ANSWER_TOKENS = 512
CACHE_MB = 256
ERRORS_ONLY = 1


def main() -> None:
    """Serve until stdin ends."""
    # Ctrl-C in a terminal reaches the whole group; the parent decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    address_out = os.dup(1)
    os.dup2(2, 1)
    parent = threading.Thread(target=_end_with_parent)
    parent.start()
    try:
        import xllamacpp

        server = xllamacpp.Server(_parameters(sys.argv[1], os.environ.pop(KEY_VARIABLE)))
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it to the user
        os.write(2, f"{error}\n".encode())
        os._exit(1)
    os.write(address_out, f"{server.listening_address}\n".encode())
    parent.join()


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    # The server's threads know no orderly end while they generate.
    os._exit(0)


def _parameters(model: str, key: str) -> Any:
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = model
    parameters.offline = True
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.cors_origins = "http://127.0.0.1"
    parameters.cors_credentials = False
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.verbosity = ERRORS_ONLY
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * WINDOW_TOKENS
    parameters.n_predict = LONGEST_ANSWER_TOKENS
    parameters.cache_prompt = True
    parameters.cache_ram_mib = CACHE_MB
    cores = os.cpu_count() or 2
    # Reading the prompt is what one waits for; while it writes, a core is left to the page.
    parameters.cpuparams_batch.n_threads = cores
    parameters.cpuparams.n_threads = max(1, cores - 1)
    return parameters


if __name__ == "__main__":
    main()
