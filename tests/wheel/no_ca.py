"""On a machine without CA certificates the error names itself and where was looked."""

import eim

with eim.Sandbox(tls=True) as sandbox:
    options = sandbox.options()
    del options["ca_file"]
    with eim.Client(**options) as client:
        try:
            client.open(user="nobody", password="x")
        except eim.EimError as error:
            assert error.name == "EIM_E_TLS" and error.is_final, error
            assert error.detail == {"tls": "no_ca_bundle"}, error.detail
            assert "/etc/ssl/certs/ca-certificates.crt" in str(error) and "caFile" in str(error), error
        else:
            raise SystemExit("logged in without trust")
print("1 passed, 0 failed")
