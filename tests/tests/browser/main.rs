//! The pages in a real browser: everything opens, filters and links work, hostile names stay text, nothing is loaded from
//! elsewhere, and all of it fits a phone, in light and in dark, with scripts and without.
//!
//! With `CORONER_SCREENSHOTS=1` the pictures in `docs/images` are made anew.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests may fail"
)]

mod chromium;
mod scene;

use std::time::Duration;

use chromium::Browser;
use scene::{HOSTILE_NODE, Scene};
use serde_json::{Value, json};

/// How long a change may take to appear. This bounds a hang; it measures nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// Gives every text that has too little contrast with what is behind it, for those who see less well (WCAG 2.1, 1.4.3).
const PALE: &str = include_str!("contrast.js");

/// The pages, with what each must say.
async fn pages(scene: &Scene) -> Vec<(&'static str, String, &'static str)> {
    let incidents = scene.incidents().await;
    let of = |node: &str, cause: i32| {
        let such =
            incidents.iter().find(|incident| incident.node == node && incident.cause == cause);
        let id = such.unwrap_or_else(|| panic!("no {cause} on {node}: {incidents:#?}")).id.clone();
        format!("/incidents/{id}")
    };
    use coroner_proto::v1::Cause;
    vec![
        ("overview", "/".to_owned(), "The last 24 hours"),
        ("incidents", "/incidents".to_owned(), "web-5d9c7b-00003"),
        ("incident", of("node-1", Cause::ContainerMemoryLimit.into()), "CONTAINER MEMORY LIMIT"),
        ("incident-node", of("node-1", Cause::SystemOutOfMemory.into()), "SYSTEM OUT OF MEMORY"),
        ("incident-hostile", of(HOSTILE_NODE, Cause::ContainerMemoryLimit.into()), "alert(1)"),
        ("nodes", "/nodes".to_owned(), "node-1"),
        ("node", "/nodes/node-1".to_owned(), "Headroom"),
        ("workload", "/workloads/Deployment/web?namespace=prod".to_owned(), "Limit when last hit"),
        ("node-week", "/nodes/node-1?days=7".to_owned(), "Zone Normal of memory node 0"),
        ("node-hostile", hostile_page(), "alert(1)"),
        (
            "nothing",
            "/incidents?cause=QosMemoryLimit".to_owned(),
            "No incident is stored that matches.",
        ),
        ("no-page", "/nowhere".to_owned(), "There is no such page."),
    ]
}

/// The page of the hostile node.
fn hostile_page() -> String {
    let name = HOSTILE_NODE.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    format!("/nodes/{name}")
}

#[tokio::test]
async fn every_page_is_whole_on_a_desk_and_a_phone_in_light_and_dark() {
    let scene = Scene::set().await;
    let Some(browser) = Browser::start("every page", scene.base()).await else { return };
    for (name, path, says) in pages(&scene).await {
        for (width, dark) in [(1200, false), (1200, true), (420, false), (420, true)] {
            browser.look(width, dark).await;
            browser.open(&path).await;
            let place = format!("{path} at {width} px, dark: {dark}");
            let text = browser.text().await;
            assert!(text.contains(says), "{place} does not say {says:?}: {text}");
            let complaints = browser.complaints().await;
            let expected = usize::from(name == "no-page");
            assert_eq!(complaints.len(), expected, "{place}: {complaints:#?}");
            let widest = browser.script("return document.documentElement.scrollWidth").await;
            assert!(widest.as_u64() <= Some(width.into()), "{place} is {widest} px wide");
            let pale = browser.script(PALE).await;
            assert_eq!(pale, json!([]), "{place}");
            let unnamed = browser.count("svg:not([aria-label]):not([aria-hidden])").await;
            assert_eq!(unnamed, 0, "{place}: pictures without words");
            let picture = match (width, dark) {
                (420, _) => format!("{name}-phone{}", if dark { "-dark" } else { "" }),
                (_, true) => format!("{name}-dark"),
                (_, false) => name.to_owned(),
            };
            if KEPT.contains(&picture.as_str()) {
                browser.picture(&picture, if name == "node" { 1600 } else { 1000 }).await;
            }
        }
    }
    browser.quit().await;
    scene.end().await;
}

/// The pictures that the documentation shows.
const KEPT: [&str; 5] = ["overview", "incident", "node", "workload-dark", "incident-phone"];

#[tokio::test]
async fn filters_and_links_lead_where_they_say() {
    let scene = Scene::set().await;
    let Some(browser) = Browser::start("filters and links", scene.base()).await else { return };
    browser.open("/").await;
    browser.follow("nav a[href='/incidents']").await;
    assert_eq!(browser.address().await, "/incidents");
    let rows = "main tbody tr";
    assert_eq!(browser.count(rows).await, 10);

    browser.one("input[name=owner]").await.send_keys("Deployment/web").await.unwrap();
    let choose = "document.querySelector('select[name=cause]').value = 'ContainerMemoryLimit'";
    browser.script(choose).await;
    browser.follow(".filters button").await;
    let address = browser.address().await;
    assert!(address.contains("owner=Deployment%2Fweb"), "{address}");
    assert!(address.contains("cause=ContainerMemoryLimit"), "{address}");
    assert_eq!(browser.count(rows).await, 7);
    // The form shows what is filtered by, so that the next filter narrows further.
    let shown = browser.script("return document.querySelector('input[name=owner]').value").await;
    assert_eq!(shown, "Deployment/web");

    browser.follow(&format!("{rows} a")).await;
    let text = browser.text().await;
    assert!(text.contains("CONTAINER MEMORY LIMIT"), "{text}");
    browser.follow("main p.more a").await;
    assert_eq!(browser.address().await, "/workloads/Deployment/web?namespace=prod");
    assert_eq!(browser.count(rows).await, 8);
    browser.follow("main tbody a[href^='/incidents/']").await;
    browser.follow("a[href='/nodes/node%2D1']").await;
    assert_eq!(browser.address().await, "/nodes/node%2D1");
    browser.follow("main p.more a[href^='/incidents']").await;
    assert_eq!(browser.count(rows).await, 9);

    browser.one("#target").await.send_keys("pod/web-5d9c7b-00003").await.unwrap();
    browser.follow("header form button").await;
    let address = browser.address().await;
    assert!(address.starts_with("/incidents/inc"), "{address}");
    assert!(browser.text().await.contains("web-5d9c7b-00003"));
    browser.one("#target").await.send_keys("pod/nobody").await.unwrap();
    browser.follow("header form button").await;
    let text = browser.text().await;
    assert!(text.contains("no incident is stored for `pod/nobody`"), "{text}");
    browser.quit().await;
    scene.end().await;
}

#[tokio::test]
async fn hostile_names_are_nothing_but_text() {
    let scene = Scene::set().await;
    let Some(browser) = Browser::start("hostile names", scene.base()).await else { return };
    let list =
        format!("/incidents?node={}&owner=x/%3Cscript%3Ealert(2)%3C/script%3E", "%3Cb%3E%22%3E");
    let mut paths: Vec<String> = pages(&scene).await.into_iter().map(|page| page.1).collect();
    paths.extend([list, "/why?target=%3Cimg%20src=x%20onerror=alert(3)%3E".to_owned()]);
    let mut seen = String::new();
    for path in paths {
        browser.open(&path).await;
        // Had one been obeyed, a dialog would stand here and this would fail.
        assert!(browser.driver.get_alert_text().await.is_err(), "{path}");
        for unwanted in ["b", "img", "main script", "script:not([src='/live.js'])", "[onerror]"] {
            assert_eq!(browser.count(unwanted).await, 0, "{unwanted} in {path}");
        }
        let text = browser.script("return document.body.textContent + document.title").await;
        let text = text.as_str().unwrap().to_owned();
        let misleads = |c: char| c.is_control() && c != '\n' || "\u{202e}\u{200f}".contains(c);
        assert!(!text.contains(misleads), "{path}: {text:?}");
        seen.push_str(&text);
    }
    for shown in ["<b>no/de</b>\\u{202e}", "<script>alert(1)</script>\\x07\\u{200f}"] {
        assert!(seen.contains(shown), "{shown} is not shown");
    }
    // A link with a hostile name leads to the page of that name.
    browser.open("/nodes").await;
    browser.follow("a[href*='%3Cb%3E']").await;
    assert!(browser.text().await.starts_with("last heard"), "{}", browser.text().await);
    browser.quit().await;
    scene.end().await;
}

#[tokio::test]
async fn an_incident_appears_while_the_page_is_looked_at() {
    let mut scene = Scene::set().await;
    let Some(browser) = Browser::start("live pages", scene.base()).await else { return };
    browser.open("/").await;
    // Gone if the page were loaded again.
    browser.script("window.here = true").await;
    scene.kill("first").await;
    wait(&browser, "main tbody tr:first-child", "web-5d9c7b-00005").await;
    assert_eq!(browser.script("return window.here").await, Value::Bool(true));

    // Who is typing is not disturbed.
    browser.open("/incidents").await;
    browser.one("input[name=pod]").await.send_keys("half a na").await.unwrap();
    let typed = "return document.querySelector('input[name=pod]').value";
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert_eq!(browser.script(typed).await, "half a na");
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{complaints:#?}");
    browser.quit().await;
    scene.end().await;
}

#[tokio::test]
async fn without_scripts_the_pages_are_whole() {
    let mut scene = Scene::set().await;
    let Some(browser) = Browser::start("pages without scripts", scene.base()).await else { return };
    browser.devtools("Emulation.setScriptExecutionDisabled", json!({"value": true})).await;
    for (_, path, says) in pages(&scene).await {
        browser.open(&path).await;
        let text = browser.text().await;
        assert!(text.contains(says), "{path}: {text}");
    }
    browser.open("/").await;
    scene.kill("later").await;
    assert!(!browser.text().await.contains("web-5d9c7b-00005"));
    browser.driver.refresh().await.unwrap();
    assert!(browser.text().await.contains("web-5d9c7b-00005"));
    browser.follow("nav a[href='/incidents']").await;
    browser.one("input[name=node]").await.send_keys("node-1").await.unwrap();
    browser.follow(".filters button").await;
    assert!(browser.address().await.contains("node=node-1"));
    browser.quit().await;
    scene.end().await;
}

/// Waits until an element says something.
async fn wait(browser: &Browser, selector: &str, says: &str) {
    let waiting = async {
        // The element may be replaced while it is asked.
        loop {
            let found = browser.driver.find(thirtyfour::By::Css(selector)).await;
            let text = match found {
                Ok(found) => found.text().await.unwrap_or_default(),
                Err(_) => String::new(),
            };
            if text.contains(says) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let came = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(came.is_ok(), "{says:?} does not appear: {}", browser.text().await);
}
