"""Who signs in with the provider that the server names may train; who does not, may not."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import READY_MS, App, settle

pytest.importorskip("authlib")  # Streamlit's own way to sign in needs it
from tests.browser.oidc_provider import CLIENT, PERSON, SECRET, Provider


@pytest.fixture
def app(tmp_path):
    """A public server with sign-in by a provider of its own."""
    secrets = tmp_path / "secrets.toml"
    empty = tmp_path / "data"
    empty.mkdir()
    with Provider() as provider:
        server = App(
            tmp_path / "log.txt", ACRNN_PUBLIC="1", STREAMLIT_SECRETS_FILES=str(secrets), ACRNN_DATA=str(empty),
            ACRNN_RUNS=str(tmp_path / "runs"),
        )  # fmt: skip
        secrets.write_text(
            f'[auth]\nredirect_uri = "{server.url("oauth2callback")}"\ncookie_secret = "0123456789abcdef0123456789"\n'
            f'client_id = "{CLIENT}"\nclient_secret = "{SECRET}"\n'
            f'server_metadata_url = "{provider.url}/.well-known/openid-configuration"\n'
        )
        server.wait()
        yield server
        server.stop()
        server.assert_no_crash()


@pytest.mark.slow
def test_who_signs_in_may_train_until_they_sign_out(app, page):
    refused = page.get_by_text("Training on this server is for those who are signed in.")
    page.goto(app.url("train"))
    settle(page)
    expect(refused).to_be_visible()
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(app.url(), timeout=READY_MS)  # by way of the provider, which asks nothing
    page.goto(app.url("train"))
    settle(page)
    expect(refused).to_have_count(0)
    page.get_by_role("button", name="Sign out").hover()
    expect(page.get_by_text(f"Signed in as {PERSON.partition('@')[0]}")).to_be_visible()  # no link of the address
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(app.url(), timeout=READY_MS)
    page.goto(app.url("train"))
    settle(page)
    expect(refused).to_be_visible()
