"""Libraries that guard an app, as their users set them up."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import dash
import flask
import pytest
from dash.testing.browser import Browser

from tests.browser.guarded_site import Serve, Site, start
from tests.browser.pages import Page


@pytest.fixture
def flask_wtf() -> Any:
    return pytest.importorskip("flask_wtf.csrf")


@pytest.mark.parametrize("carrier", ["cookie", "meta"])
def test_token_of_flask_wtf_goes_along(
    serve: Serve, browser: Browser, site: Site, flask_wtf: Any, carrier: str
) -> None:
    server: Any = site.app.server
    server.secret_key = "for the session"
    csrf = flask_wtf.CSRFProtect(server)

    def give_token(response: flask.Response) -> flask.Response:
        if carrier == "cookie":
            response.set_cookie("_csrf_token", flask_wtf.generate_csrf())
        return response

    server.after_request(give_token)
    if carrier == "meta":
        # Dash itself sends only the cookie's.
        csrf.exempt(server.view_functions["/_dash-update-component"])
        index: Any = site.app.index

        def with_token(*args: object, **kwargs: object) -> str:
            meta = f'<meta name="csrf-token" content="{flask_wtf.generate_csrf()}">'
            return str(index(*args, **kwargs)).replace("<head>", f"<head>{meta}")

        server.view_functions["/"] = with_token
    page = start(browser, serve(site.app))
    site.let_end()
    page.wait_for_text("#out", "run 1")


def test_poll_without_a_token_says_that_the_token_is_missing(
    serve: Serve, dash_br: Browser, site: Site, flask_wtf: Any
) -> None:
    server: Any = site.app.server
    server.secret_key = "for the session"
    csrf = flask_wtf.CSRFProtect(server)
    csrf.exempt(server.view_functions["/_dash-update-component"])
    page = Page(dash_br, serve(site.app))
    page.click("#run")
    page.wait_for_text("#job .long-job-status", "Stopped unexpectedly")
    assert "poll with 400: " in page.text("#job .long-job-error")
    assert "The CSRF token is missing." in page.text("#job .long-job-error")


def test_content_security_policy_of_talisman_needs_no_more_than_for_dash(
    serve: Serve, browser: Browser, site: Site
) -> None:
    talisman = pytest.importorskip("flask_talisman")
    talisman.Talisman(
        site.app.server,
        force_https=False,
        content_security_policy={
            "default-src": "'self'",
            "script-src": ["'self'", *site.app.csp_hashes()],
            # Dash's own style sheets.
            "style-src": ["'self'", "'unsafe-inline'"],
        },
    )
    page = start(browser, serve(site.app))
    site.let_end()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")


def test_rate_limit_of_flask_limiter_ends_no_job(
    serve: Serve, dash_br: Browser, site: Site
) -> None:
    limiter = pytest.importorskip("flask_limiter")
    server: Any = site.app.server
    limits = limiter.Limiter(
        lambda: "the only user",
        app=server,
        storage_uri="memory://",
        headers_enabled=True,
    )
    ((name, poll),) = [
        item for item in server.view_functions.items() if item[0].endswith("poll")
    ]
    server.view_functions[name] = limits.limit("1 per 2 seconds")(poll)
    statuses: list[int] = []

    def note(response: flask.Response) -> flask.Response:
        if flask.request.path.endswith("poll"):
            statuses.append(response.status_code)
        return response

    server.after_request(note)
    page = start(dash_br, serve(site.app))
    page.wait_for_text(
        "#job .long-job-facts > :last-child", "Connection lost, reconnecting…"
    )
    site.let_end()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")
    # The page waits for as long as it is told to, and comes through.
    assert statuses.count(429) <= statuses.count(200) + 1


class Provider:
    """A provider of logins, which knows its only user already."""

    def __init__(self) -> None:
        self.app = dash.Dash("provider")
        self.app.layout = []
        self.app.server.add_url_rule("/authorize", view_func=self._authorize)
        self.app.server.add_url_rule(
            "/token", view_func=self._give_token, methods=["POST"]
        )

    @staticmethod
    def _authorize() -> Any:
        asked = flask.request.args
        return flask.redirect(
            f"{asked['redirect_uri']}?code=code&state={asked['state']}"
        )

    @staticmethod
    def _give_token() -> Any:
        return {"access_token": "token", "token_type": "Bearer"}


class Login:
    """A login by OAuth in front of all of an app, as Authlib documents it."""

    def __init__(self, server: Any, provider: str, authlib: Any) -> None:
        server.secret_key = "for the session"
        self._client = authlib.OAuth(server).register(
            "provider",
            client_id="app",
            client_secret="secret",
            authorize_url=f"{provider}/authorize",
            access_token_url=f"{provider}/token",
        )
        self._session = 0
        server.before_request(self._ask)
        server.add_url_rule("/logged-in", "logged-in", self._enter)

    def end_sessions(self) -> None:
        self._session += 1

    def _ask(self) -> Any:
        is_in = flask.session.get("number") == self._session
        if is_in or flask.request.endpoint == "logged-in":
            return None
        return self._client.authorize_redirect(
            flask.url_for("logged-in", _external=True)
        )

    def _enter(self) -> Any:
        errors = pytest.importorskip("authlib.integrations.base_client")
        # The redirect of a poll at the same moment may have overwritten the cookie.
        with suppress(errors.MismatchingStateError):
            self._client.authorize_access_token()
            flask.session["number"] = self._session
        return flask.redirect("/")


def test_job_outlives_a_session_that_authlib_renews_in_another_tab(
    serve: Serve, dash_br: Browser, site: Site
) -> None:
    authlib = pytest.importorskip("authlib.integrations.flask_client")
    login = Login(site.app.server, serve(Provider().app), authlib)
    url = serve(site.app)
    page = start(dash_br, url)
    login.end_sessions()
    page.wait_for_text(
        "#job .long-job-facts > :last-child", "Connection lost, reconnecting…"
    )
    driver = dash_br.driver
    first = driver.current_window_handle
    driver.switch_to.new_window("tab")
    Page(dash_br, url)
    driver.close()
    driver.switch_to.window(first)
    site.let_end()
    page.wait_for_text("#out", "run 1")
    page.wait_for_text("#job .long-job-status", "Done")
    assert site.runs == 1
