"""Ozeki Phone Systems over their documented HTTP API, both generations (docs/ozeki.md)."""

from ozrules.connectors.ozeki_http.client import Access
from ozrules.connectors.ozeki_http.connector import Listening, OzekiHttpConnector

__all__ = ["Access", "Listening", "OzekiHttpConnector"]
