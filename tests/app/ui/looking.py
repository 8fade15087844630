"""What a page run by AppTest shows, as words."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streamlit.testing.v1 import AppTest


def frames(page: AppTest) -> str:
    """HTML of the report's parts on a page."""
    return "\n".join(element.proto.srcdoc for element in page.get("iframe"))


def framed_words(page: AppTest) -> str:
    """Words of the report's parts on a page."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", frames(page), flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", bare)).split())


def plots(page: AppTest) -> list[dict[str, Any]]:
    """Plotly figures of a page."""
    return [json.loads(element.proto.spec) for element in page.get("plotly_chart")]


def said(page: AppTest) -> str:
    """Words that Streamlit itself writes, as Markdown."""
    kinds = (page.title, page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)
