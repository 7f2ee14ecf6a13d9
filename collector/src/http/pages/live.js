// Fetches the page again now and then and puts its main part in the place of this one's, where it is another. Whoever
// types, has unfolded something or looks elsewhere is left alone.
"use strict";
const EVERY = 3000;
const busy = (main) =>
  document.hidden || main.contains(document.activeElement) || main.querySelector("details[open]") !== null;
setInterval(async () => {
  const main = document.querySelector("main[data-live]");
  if (main === null || busy(main)) return;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const next = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    if (next !== null && next.innerHTML !== main.innerHTML && !busy(main)) main.replaceWith(next);
  } catch {
    // The collector is away: what is shown stays.
  }
}, EVERY);
