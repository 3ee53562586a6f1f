"""Addresses that look like the exchange's, or like this machine's, and are not: nothing is ever sent there."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autotrader.errors import ConfigError
from autotrader.exchanges.binance.client import HTTPS_HOSTS, base_url

LOOK_ALIKES = {
    "another domain behind it": "https://api.binance.com.evil.test",
    "another domain before it": "https://evil.test/api.binance.com",
    "hyphen for a point": "https://api-binance.com",
    "another ending": "https://api.binance.us",
    "a number that is not served": "https://api5.binance.com",
    "the bare domain": "https://binance.com",
    "as user": "https://api.binance.com@evil.test",
    "as user, with a port": "https://api.binance.com:443@evil.test",
    "user and password": "https://user:s3cret-pw@api.binance.com",
    "user alone": "https://user@api.binance.com",
    "as fragment": "https://evil.test#@api.binance.com",
    "as query": "https://evil.test?@api.binance.com",
    "behind a backslash": "https://evil.test\\@api.binance.com",
    "before a backslash": "https://api.binance.com\\.evil.test",
    "percent": "https://api.binance.com%2eevil.test",
    "percent NUL": "https://api.binance.com%00.evil.test",
    "a path": "https://api.binance.com/api",
    "semicolon": "https://api.binance.com;evil.test",
    "trailing dot": "https://api.binance.com.",
    "punycode": "https://xn--api-binance-9za.com",
    "punycode of a label": "https://xn--pi-7kc.binance.com",
    "Cyrillic a": "https://\u0430pi.binance.com",
    "Cyrillic i": "https://api.b\u0456nance.com",
    "circled a": "https://\u24d0pi.binance.com",
    "ideographic stops": "https://api\u3002binance\u3002com",
    "soft hyphen": "https://api.bin\u00adance.com",
    "zero width": "https://api.bin\u200bance.com",
    "tab": "https://api.bin\tance.com",
    "line break": "https://api.binance.com\n.evil.test",
    "leading blank": " https://api.binance.com",
    "NUL": "https://api.binance.com\0",
    "another port": "https://api.binance.com:8443",
    "port of http": "https://api.binance.com:80",
    "port 0": "https://api.binance.com:0",
    "port too large": "https://api.binance.com:99999",
    "port of letters": "https://api.binance.com:443x",
    "without TLS": "http://api.binance.com",
    "without TLS on its port": "http://api.binance.com:443",
    "web socket": "wss://api.binance.com",
    "file": "file://api.binance.com",
    "no scheme": "//api.binance.com",
    "nothing but a name": "api.binance.com",
    "short form": "http://127.1",
    "one number": "http://2130706433",
    "hexadecimal": "http://0x7f000001",
    "octal": "http://0177.0.0.1",
    "hexadecimal parts": "http://0x7f.0.0.1",
    "full-width digits": "http://\uff11\uff12\uff17.0.0.1",
    "circled digits": "http://\u2460\u2461\u2466.0.0.1",
    "all addresses": "http://0.0.0.0",
    "all addresses of IPv6": "http://[::]",
    "mapped": "http://[::ffff:127.0.0.1]",
    "mapped, in hexadecimal": "http://[::ffff:7f00:1]",
    "with a zone": "http://[::1%25eth0]",
    "loopback as a name's beginning": "http://127.0.0.1.evil.test",
    "loopback as user": "http://127.0.0.1@evil.test",
    "a name that resolves to loopback": "http://localtest.me",
    "localhost with a dot": "http://localhost.",
    "localhost as a name's beginning": "http://localhost.evil.test",
    "private network": "http://192.168.0.1",
    "cloud metadata": "http://169.254.169.254",
    "loopback, port 0": "http://127.0.0.1:0",
    "TLS to loopback": "https://127.0.0.1",
    "no host": "https://",
    "open bracket": "http://[",
}


@pytest.mark.parametrize("name", list(LOOK_ALIKES))
def test_what_only_looks_like_an_address_of_the_exchange_is_refused(name: str) -> None:
    """One clear error with the list of what is allowed; no password and no odd character is repeated."""
    with pytest.raises(ConfigError) as caught:
        base_url(LOOK_ALIKES[name])
    assert "api.binance.com" in caught.value.hint
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()
    assert "s3cret" not in caught.value.message


PIECES = ["http", "https", "://", "//", ":", "@", "#", "?", "/", "\\", ".", "api.binance.com", "binance", "evil.test",
          "127.0.0.1", "localhost", "[::1]", "443", "80", "0", "%2e", " ", "\t", "\n", "\u3002", "xn--"]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join) | st.text(max_size=40))
def test_what_is_accepted_is_on_the_list(text: str) -> None:
    """Whatever is put together: accepted is only http to loopback or https to a listed host, in plain form."""
    try:
        found = base_url(text)
    except ConfigError:
        return
    parts = urlsplit(found.origin)
    assert parts.hostname == found.host
    if found.loopback:
        assert parts.scheme == "http"
        assert found.host in {"localhost", "::1"} or found.host.startswith("127.")
    else:
        assert found.origin == f"https://{found.host}"
        assert found.host in HTTPS_HOSTS
