// Keys, copying and live parts. Every page is complete without this file.
"use strict";
(() => {
  const $ = (selector) => document.querySelector(selector);
  const all = (selector) => [...document.querySelectorAll(selector)];

  // Copy buttons appear only where they work.
  const offerCopying = () => {
    if (!navigator.clipboard) return;
    for (const button of all("button[data-copy]")) {
      if (!button.hidden) continue;
      button.hidden = false;
      button.addEventListener("click", async () => {
        const label = button.querySelector("span");
        try {
          await navigator.clipboard.writeText(button.dataset.copy);
          label.textContent = "Copied";
        } catch {
          label.textContent = "Not copied";
        }
        setTimeout(() => { label.textContent = "Copy"; }, 2000);
      });
    }
  };
  offerCopying();

  // Menus close when something else is clicked, and by Escape.
  document.addEventListener("click", (event) => {
    for (const menu of all("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  // Keys.
  const rows = () => all("[data-row]").filter((row) => row.querySelector("a[data-select]"));
  const move = (step) => {
    const list = rows();
    if (list.length === 0) return;
    const at = list.findIndex((row) => row.classList.contains("at"));
    const next = Math.min(list.length - 1, Math.max(0, at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step));
    if (at >= 0) list[at].classList.remove("at");
    list[next].classList.add("at");
    const link = list[next].querySelector("a[data-select]");
    link.focus({ preventScroll: true });
    list[next].scrollIntoView({ block: "nearest" });
  };
  const places = { t: "/", q: "/queue", v: "/vulnerabilities", h: "/hosts", p: "/patches", c: "/campaigns", a: "/activity", s: "/settings" };
  const dialog = $("dialog[data-dialog=shortcuts]");
  let goes = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") for (const menu of all("details.menu[open]")) menu.open = false;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, select, textarea, dialog")) return;
    if (Date.now() - goes < 1200 && places[event.key]) {
      goes = 0;
      const link = $(`.sections a[href^="${places[event.key]}"]`);
      if (event.key === "t") $(".brand")?.click(); else link?.click();
      event.preventDefault();
      return;
    }
    switch (event.key) {
    case "/": $("#search")?.focus(); break;
    case "j": move(1); break;
    case "k": move(-1); break;
    case "g": goes = Date.now(); return;
    case "?": dialog?.showModal(); break;
    default: return;
    }
    event.preventDefault();
  });
  $("button[data-dialog=close]")?.addEventListener("click", () => dialog.close());

  // Live parts: when the server says that something changed, the page is fetched and its parts are put in place.
  const source = $("main[data-events]");
  if (!source || !window.EventSource) return;
  let due = 0;
  let waiting = false;
  const isBusy = () => {
    const part = document.activeElement?.closest("[data-live]");
    return part && document.activeElement.matches("input, select, textarea");
  };
  const refresh = async () => {
    if (waiting) return;
    waiting = true;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
    due = Date.now() + 2000;
    waiting = false;
    if (document.hidden || isBusy()) return;
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of all("[data-live]")) {
      const fresh = page.getElementById(part.id);
      if (!fresh || fresh.innerHTML === part.innerHTML) continue;
      const opened = [...part.querySelectorAll("details")].map((details) => details.open);
      const at = rows().findIndex((row) => row.classList.contains("at"));
      part.replaceChildren(...document.importNode(fresh, true).childNodes);
      part.querySelectorAll("details").forEach((details, index) => { details.open = opened[index] ?? details.open; });
      if (at >= 0) rows()[at]?.classList.add("at");
    }
    offerCopying();
  };
  const events = new EventSource(source.dataset.events);
  events.addEventListener("changed", () => { refresh().catch(() => {}); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh().catch(() => {}); });
  addEventListener("pagehide", () => events.close());
})();
