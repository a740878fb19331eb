"""The policies that a gateway elsewhere has in force, asked over its API: for the pipeline of a repository of
policies, which has no gateway of its own."""

import asyncio
import os
from pathlib import Path, PurePosixPath

import aiohttp
import orjson

TOKEN = "GALATEO_TOKEN"  # noqa: S105 - the name of a variable
SECONDS = 30.0
LARGEST = 32 * 1024 * 1024


class NotGiven(Exception):
    """The policies in force could not be had; the text says why and what to do."""


def fetch(url: str, folder: Path) -> None:
    """Write the policies that the gateway at this ops address has in force into a folder. Raises NotGiven."""
    token = os.environ.get(TOKEN, "")
    if not token:
        raise NotGiven(f"Set {TOKEN} to name:secret of a reviewer of that gateway.")
    try:
        status, data = asyncio.run(_ask(f"{url.rstrip('/')}/api/v1/policies", token))
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NotGiven(f"{url} does not answer ({type(error).__name__}).") from error
    if status != 200:
        raise NotGiven(f"{url} answered {status}: is this its OPS_LISTEN, and {TOKEN} a reviewer's?")
    try:
        files = orjson.loads(data)["files"]
        for name, text in files.items():
            _write(folder, name, text)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise NotGiven(f"{url} answered something else than policies.") from error


async def _ask(url: str, token: str) -> tuple[int, bytes]:
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as client:
        headers = {"Authorization": f"Bearer {token}"}
        async with client.get(url, headers=headers, allow_redirects=False) as answer:
            data = bytearray()
            async for chunk in answer.content.iter_chunked(1 << 16):
                data += chunk
                if len(data) > LARGEST:
                    raise ValueError("too large")
            return answer.status, bytes(data)


def _write(folder: Path, name: str, text: str) -> None:
    """A file, where its name leads nowhere else."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.suffix not in (".yaml", ".yml") or "\\" in name:
        raise ValueError(name)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
