//! What all pages share: head, search, navigation.

use coroner_core::incident::Confidence;
use maud::{DOCTYPE, Markup, html};

use super::shown;

/// A page. Of a `live` one, the script fetches the main part again every few seconds.
pub(super) fn page(title: &str, live: bool, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (shown(title)) " - Coroner" }
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="stylesheet" href="/style.css";
                @if live { script src="/live.js" defer {} }
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header {
                    nav aria-label="Pages" {
                        a.name href="/" { "Coroner" }
                        a href="/incidents" { "Incidents" }
                        a href="/nodes" { "Nodes" }
                    }
                    form action="/why" role="search" {
                        label for="target" { "Why" }
                        input #target name="target" required placeholder="pod/web-1, deploy/web, inc-..., pid:41"
                            title="A pod, a workload, a container's id, a process id or an incident";
                        input name="namespace" aria-label="Namespace" placeholder="namespace";
                        button { "Find" }
                    }
                }
                main #main data-live[live] { (main) }
            }
        }
    }
}

/// A page that says why there is no other.
pub(super) fn trouble(sentence: &str) -> Markup {
    page("No answer", false, &html! { h1 { "No answer" } p { (shown(sentence)) } })
}

/// How sure, as a word with a colour.
pub(super) fn confidence(confidence: Confidence) -> Markup {
    let name = confidence.name().to_lowercase();
    html! { span class={ "sure " (name) } { (name) } }
}

/// Sentences, each a paragraph.
pub(super) fn sentences(sentences: &[String]) -> Markup {
    html! { @for sentence in sentences { p { (shown(sentence)) } } }
}
