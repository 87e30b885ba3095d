"""The installed wheel over TLS: its own OpenSSL on both sides, trust by caFile and by SSL_CERT_FILE, and none."""

import os

import eim

with eim.Sandbox(users={"alice": "a", "bob": "b"}, tls=True) as sandbox:
    assert sandbox.api_url.startswith("https://") and sandbox.url.startswith("wss://")
    with eim.Client(**sandbox.options()) as alice:
        alice.open(user="alice", password="a")
        os.environ["SSL_CERT_FILE"] = sandbox.ca_file
        options = sandbox.options()
        del options["ca_file"]
        with eim.Client(**options) as bob:
            bob.open(user="bob", password="b")
            alice.send(eim.Text(to="bob", text="over TLS"))
            assert next(bob.messages()).text == "over TLS"
    del os.environ["SSL_CERT_FILE"]
    # The system's CAs, or none at all: neither knows the sandbox's. (ip_version: not the connections of bob again.)
    with eim.Client(**options, ip_version="4") as stranger:
        try:
            stranger.open(user="bob", password="b")
        except eim.NetworkError as error:
            assert error.name == "EIM_E_TLS", error
        else:
            raise SystemExit("a CA that nobody trusts was trusted")
print("1 passed, 0 failed")
