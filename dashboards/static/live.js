// Keeps the live part of a page current, and says so loudly when it can not.
(function () {
  "use strict";

  const SILENT_MS = 60000;
  const live = document.querySelector("[data-live]");
  const banner = document.getElementById("not-live");
  const trouble = document.getElementById("trouble");
  const announce = document.getElementById("announce");
  const announceRed = document.getElementById("announce-red");
  const title = document.title;
  const announced = new Set();
  let heardAt = Date.now();
  let heardText = null;
  let tag = "";
  let waiting = 0;

  // What a reader has opened stays open when the part around it is brought up to date.
  if (window.Idiomorph) {
    window.Idiomorph.defaults.callbacks.beforeAttributeUpdated = function (name, element) {
      return !(name === "open" && element.tagName === "DETAILS");
    };
  }

  function isPoll(event) {
    return live !== null && event.detail.elt === live;
  }

  // An ETag lets the hub answer "unchanged"; the rows on the page keep their places in its answer.
  document.addEventListener("htmx:configRequest", function (event) {
    if (!isPoll(event)) {
      event.detail.headers["X-CSRF"] = document.body.dataset.csrf;
      return;
    }
    if (tag) event.detail.headers["If-None-Match"] = tag;
    const refs = Array.from(live.querySelectorAll("[data-ref]"), function (row) {
      return row.dataset.ref;
    });
    if (refs.length) event.detail.headers["X-Shown"] = refs.join(",");
  });

  document.addEventListener("htmx:afterRequest", function (event) {
    const status = event.detail.xhr.status;
    if (status === 401) {
      window.location.reload();
      return;
    }
    if (!isPoll(event)) {
      // The row was changed by an act: whatever the tag stood for is no longer what the page shows.
      tag = "";
      if (event.detail.successful) heard(event.detail.xhr);
      return;
    }
    if (status !== 200 && status !== 304) return;
    if (status === 200) tag = event.detail.xhr.getResponseHeader("ETag") || "";
    heard(event.detail.xhr);
  });

  function heard(xhr) {
    const date = Date.parse(xhr.getResponseHeader("X-Hub-Now") || "");
    if (date) window.rpmhub.setNow(date);
    heardAt = Date.now();
    heardText = window.rpmhub.clock(window.rpmhub.now());
    for (const element of document.querySelectorAll("[data-updated]")) element.textContent = heardText;
    show();
  }

  function show() {
    if (!live) return;
    const cut = Date.now() - heardAt > SILENT_MS;
    if (cut === !banner.hidden) return;
    banner.hidden = !cut;
    document.body.classList.toggle("cut", cut);
    banner.textContent = cut
      ? "Not live" + (heardText ? " since " + heardText : "") + ": what you see may be old. Check the connection; if it stays like this, tell the operator."
      : "";
  }

  document.addEventListener("htmx:afterSettle", function () {
    window.rpmhub.tick();
    const fresh = document.querySelector("#new a");
    const count = fresh ? parseInt(fresh.textContent, 10) || 0 : 0;
    if (count !== waiting) {
      waiting = count;
      announce.textContent = count ? count + " new on the worklist" : "";
      document.title = count ? "(" + count + " new) " + title : title;
    }
    for (const element of document.querySelectorAll("[data-new-red]")) {
      if (announced.has(element.dataset.newRed)) continue;
      announced.add(element.dataset.newRed);
      announceRed.textContent = element.textContent;
    }
  });

  // An act that did not arrive must never look as if it had.
  function failed(event, words) {
    if (isPoll(event)) return;
    trouble.textContent = words;
    trouble.hidden = false;
  }
  document.addEventListener("htmx:sendError", function (event) {
    failed(event, "Not sent: there is no connection to the hub. Nothing was changed; try again.");
  });
  document.addEventListener("htmx:timeout", function (event) {
    failed(event, "No answer from the hub. Load the page again to see whether it was done.");
  });
  document.addEventListener("htmx:responseError", function (event) {
    failed(event, event.detail.xhr.responseText.slice(0, 300));
  });
  let acted = null;
  document.addEventListener("htmx:beforeRequest", function (event) {
    if (isPoll(event)) return;
    trouble.hidden = true;
    acted = event.detail.elt.closest(".row");
  });
  // The button that was pressed is gone; the focus goes back to its row.
  document.addEventListener("htmx:afterSettle", function () {
    const row = acted ? document.getElementById(acted.id) : null;
    acted = null;
    if (row && (document.activeElement === null || document.activeElement === document.body)) {
      row.querySelector(".row-link").focus();
    }
  });

  document.addEventListener("visibilitychange", function () {
    if (live && !document.hidden) window.htmx.trigger(live, "refresh");
  });
  setInterval(show, 1000);

  const problem = document.getElementById("problem");
  if (problem) problem.focus();
  const chart = document.querySelector("[data-opened]");
  if (chart) window.htmx.ajax("POST", chart.dataset.opened, { source: chart, swap: "none" });
})();
