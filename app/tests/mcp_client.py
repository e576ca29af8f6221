"""Tries Lectern's MCP server with the official client (the package `mcp`, 2.x), which checks structured
results against the schemas of the tools.

    mcp_client.py http://127.0.0.1:8080/mcp
    mcp_client.py lectern --data-dir FOLDER mcp

The library holds the sample paper hybrid-retrieval.pdf.
"""

import os
import sys

import anyio
from mcp import Client, StdioServerParameters


def server(arguments):
    if arguments[0].startswith("http"):
        return arguments[0]
    environment = {name: value for name, value in os.environ.items() if name.startswith(("LECTERN_", "ORT_", "HOME"))}
    return StdioServerParameters(command=arguments[0], args=arguments[1:], env=environment)


async def tried(arguments, mode):
    async with Client(server(arguments), mode=mode) as client:
        assert client.server_info is None or client.server_info.name == "lectern"
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert {"ask", "search", "list_documents", "get_document", "read_document"} <= tools.keys(), tools
        assert all(tool.annotations.read_only_hint for tool in tools.values())

        found = await client.call_tool("search", {"query": "BM25 parameters", "top_k": 3})
        passages = found.structured_content["passages"]
        assert not found.is_error and passages[0]["file"] == "hybrid-retrieval.pdf", found
        document = passages[0]["document_id"]

        told = []

        async def progress(done, total, message):
            told.append(message)

        question = {"question": "What are the usual BM25 parameters?"}
        answer = await client.call_tool("ask", question, progress_callback=progress)
        assert answer.structured_content["outcome"] == "answered", answer
        assert answer.structured_content["citations"][0]["quote"] in answer.content[0].text
        assert told, "no progress was told"

        for name in ("get_document", "read_document"):
            result = await client.call_tool(name, {"document": document})
            assert not result.is_error, result
        listed = await client.call_tool("list_documents", {})
        assert listed.structured_content["documents"][0]["id"] == document, listed

        wrong = await client.call_tool("search", {"query": "x", "collection": "none"})
        assert wrong.is_error and "collection_not_found" in wrong.content[0].text, wrong

        resources = (await client.list_resources()).resources
        contents = (await client.read_resource(resources[0].uri)).contents
        assert "BM25" in contents[0].text
        print(f"{mode}: {client.protocol_version}, {len(tools)} tools, {told}")


async def main():
    # As clients did before the revision of 2026-07-28, and as they do since.
    for mode in ("legacy", "auto"):
        with anyio.fail_after(600):
            await tried(sys.argv[1:], mode)


anyio.run(main)
