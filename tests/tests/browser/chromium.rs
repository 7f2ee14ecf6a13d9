//! A real Chromium, driven through Debian's chromedriver over the WebDriver protocol.
//!
//! Each test has a browser of its own, with a profile that is removed with it. Names of other hosts do not resolve in it, so
//! a page that asked for something from elsewhere would be caught by what the browser logs, whatever the machine can reach.
//! Where the two programs are missing a test says so, unless `CI` is set: there a skipped test is a failure.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::prelude::{
    ChromiumLikeCapabilities as _, DesiredCapabilities, WebDriver, WebDriverError, WebDriverResult,
};
use thirtyfour::session::http::{Body, HttpClient};
use thirtyfour::{LoggingPrefsLogLevel, WebElement};
use tokio::net::TcpStream;

/// Programs that must be there.
const PROGRAMS: [&str; 2] = ["chromedriver", "chromium"];

/// A browser with one tab.
pub(crate) struct Browser {
    pub(crate) driver: WebDriver,
    /// `http://127.0.0.1:PORT`.
    base: String,
    _process: Driver,
}

impl Browser {
    /// Starts one whose pages come from `base`. `None` where the machine has no Chromium.
    pub(crate) async fn start(test: &str, base: String) -> Option<Self> {
        if let Some(missing) = PROGRAMS.into_iter().find(|program| !is_there(program)) {
            assert!(std::env::var_os("CI").is_none(), "{test} cannot run: {missing} is missing");
            eprintln!("SKIPPED {test}: {missing} is missing; tests/prepare installs it");
            return None;
        }
        let (process, port) = Driver::start();
        let mut wanted = DesiredCapabilities::chrome();
        wanted.set_headless().unwrap();
        for arg in [
            // Chromium refuses to run as root with its sandbox; the pages are our own.
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--hide-scrollbars",
            "--window-size=1200,900",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        ] {
            wanted.add_arg(arg).unwrap();
        }
        let profile = process.profile.path().display();
        wanted.add_arg(&format!("--user-data-dir={profile}")).unwrap();
        for log in ["browser", "performance"] {
            wanted.set_logging_prefs(log, LoggingPrefsLogLevel::All).unwrap();
        }
        let driver = WebDriver::builder(format!("http://127.0.0.1:{port}"), wanted).client(Http);
        let driver = driver.connect().await.expect("the browser starts");
        let browser = Self { driver, base, _process: process };
        // What it shows when it is started is its own affair.
        browser.driver.goto("about:blank").await.unwrap();
        browser.complaints().await;
        Some(browser)
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.base)).await.unwrap();
    }

    /// What the address bar shows, without the host.
    pub(crate) async fn address(&self) -> String {
        let url = self.driver.current_url().await.unwrap().to_string();
        url.strip_prefix(&self.base).unwrap_or(&url).to_owned()
    }

    /// What a script gives; it is the body of a function.
    pub(crate) async fn script(&self, body: &str) -> Value {
        self.driver.execute(body, Vec::new()).await.unwrap().json().clone()
    }

    /// All text of the main part, as it is shown.
    pub(crate) async fn text(&self) -> String {
        self.one("main").await.text().await.unwrap()
    }

    /// The one element that a CSS selector names.
    pub(crate) async fn one(&self, selector: &str) -> WebElement {
        let found = self.driver.find(thirtyfour::By::Css(selector)).await;
        found.unwrap_or_else(|e| panic!("no `{selector}`: {e}"))
    }

    /// How many elements a CSS selector names.
    pub(crate) async fn count(&self, selector: &str) -> u64 {
        let selector = json!(selector);
        let count = format!("return document.querySelectorAll({selector}).length");
        self.script(&count).await.as_u64().unwrap()
    }

    /// Clicks what a CSS selector names, and waits for the page it leads to.
    pub(crate) async fn follow(&self, selector: &str) {
        let page = self.one("html").await;
        self.one(selector).await.click().await.unwrap_or_else(|e| panic!("`{selector}`: {e}"));
        // A click returns before a form is sent. The page that was left knows nothing of itself any more.
        let leaving = async {
            while page.tag_name().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let left = tokio::time::timeout(super::PATIENCE, leaving).await;
        assert!(left.is_ok(), "`{selector}` leads nowhere");
    }

    /// A command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, params: Value) -> Value {
        let answer = self.driver.cdp().send_raw(command, params).await;
        answer.unwrap_or_else(|e| panic!("{command}: {e}"))
    }

    /// The size of the window and which colours are liked.
    pub(crate) async fn look(&self, width: u32, dark: bool) {
        let size =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// What the browser had to complain about since it was last asked: errors of scripts, what the content security policy
    /// stopped, what could not be loaded; and whatever was asked of anybody but the collector.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.handle().browser_log().await.unwrap();
        let mut complaints: Vec<String> = log.into_iter().map(|entry| entry.message).collect();
        for entry in self.driver.handle().get_log("performance").await.unwrap() {
            let event: Value = serde_json::from_str(&entry.message).unwrap();
            if event["message"]["method"] != "Network.requestWillBeSent" {
                continue;
            }
            let url = event["message"]["params"]["request"]["url"].as_str().unwrap().to_owned();
            if !url.starts_with(&format!("{}/", self.base)) && !url.starts_with("data:") {
                complaints.push(format!("asked for {url}"));
            }
        }
        complaints
    }

    /// Keeps a picture of the whole page, up to a height, under `docs/images`; only where `CORONER_SCREENSHOTS` asks for it.
    pub(crate) async fn picture(&self, name: &str, height: u64) {
        if std::env::var_os("CORONER_SCREENSHOTS").is_none() {
            return;
        }
        let size = self.script("return [innerWidth, document.documentElement.scrollHeight]").await;
        let (width, whole) = (size[0].as_u64().unwrap(), size[1].as_u64().unwrap());
        let clip = json!({"x": 0, "y": 0, "width": width, "height": whole.min(height), "scale": 1});
        let params = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let answer = self.devtools("Page.captureScreenshot", params).await;
        let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/images");
        std::fs::create_dir_all(&images).unwrap();
        let png = base64(answer["data"].as_str().unwrap());
        std::fs::write(images.join(format!("{name}.png")), png).unwrap();
    }

    /// Closes it.
    pub(crate) async fn quit(self) {
        let Self { driver, _process, .. } = self;
        driver.quit().await.unwrap();
    }
}

/// Decodes base64 as the browser writes it.
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.bytes().take_while(|byte| *byte != b'=') {
        let value = DIGITS.iter().position(|d| *d == digit).expect("base64");
        bits = (bits << 6) | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).unwrap());
        }
    }
    bytes
}

fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).exists())
}

/// The process that drives the browser, and the profile that the browser keeps.
struct Driver {
    child: Child,
    profile: TempDir,
    /// Kept open: it may have more to say.
    _said: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts it on a port that it chooses. It takes a free one of IPv4 and wants the same of IPv6, which another process may
    /// have: then it ends, and is started again.
    fn start() -> (Self, u16) {
        let mut last = String::new();
        for _ in 0..10 {
            let profile = tempfile::Builder::new().prefix("coroner-browser-").tempdir().unwrap();
            let mut command = Command::new("chromedriver");
            command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped());
            let mut child = command.stderr(Stdio::null()).spawn().expect("chromedriver starts");
            let mut said = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            while said.read_line(&mut line).unwrap() > 0 {
                let port =
                    line.trim_end().strip_suffix('.').and_then(|l| l.rsplit_once("on port "));
                if let Some(port) = port.and_then(|(_, port)| port.parse().ok()) {
                    return (Self { child, profile, _said: said }, port);
                }
                last.push_str(&std::mem::take(&mut line));
            }
            let _ = child.wait();
        }
        panic!("chromedriver does not say its port: {last}");
    }
}

impl Drop for Driver {
    /// A test that failed has not closed its browser, which would outlive the driver: it is known by its profile.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let ours = format!("--user-data-dir={}", self.profile.path().display());
        for process in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
            let args = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            let pid = process.file_name().to_string_lossy().parse().ok();
            if args.split(|byte| *byte == 0).any(|arg| arg == ours.as_bytes())
                && let Some(pid) = pid.and_then(rustix::process::Pid::from_raw)
            {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

/// HTTP to the driver, one connection for each command.
struct Http;

#[tonic::async_trait]
impl HttpClient for Http {
    async fn send(&self, request: Request<Body<'_>>) -> WebDriverResult<Response<Bytes>> {
        let failed = |e: &dyn std::fmt::Display| {
            WebDriverError::from_inner(thirtyfour::error::WebDriverErrorInner::HttpError(
                e.to_string(),
            ))
        };
        let (mut parts, body) = request.into_parts();
        let body = match body {
            Body::Empty => Bytes::new(),
            Body::Json(value) => Bytes::from(value.to_string()),
        };
        let authority = parts.uri.authority().map(ToString::to_string).unwrap_or_default();
        let stream = TcpStream::connect(&authority).await.map_err(|e| failed(&e))?;
        let handshake = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(|e| failed(&e))?;
        tokio::spawn(connection);
        parts.headers.insert(http::header::HOST, authority.parse().map_err(|e| failed(&e))?);
        parts.headers.insert(http::header::CONNECTION, http::HeaderValue::from_static("close"));
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        parts.uri = path.parse().map_err(|e| failed(&e))?;
        let request = Request::from_parts(parts, Full::new(body));
        let answer = sender.send_request(request).await.map_err(|e| failed(&e))?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|e| failed(&e))?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    async fn new(&self) -> Arc<dyn HttpClient> {
        Arc::new(Self)
    }
}
