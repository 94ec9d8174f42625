// Single-key shortcuts. They are off in every field, and can be switched off altogether (WCAG 2.1.4).
(function () {
  "use strict";

  const STORE = "rpmhub-keys";
  const dialog = document.getElementById("keys");
  const toggle = document.getElementById("keys-on");
  let goes = false;

  function on() {
    return localStorage.getItem(STORE) !== "off";
  }
  toggle.checked = on();
  toggle.addEventListener("change", function () {
    localStorage.setItem(STORE, toggle.checked ? "on" : "off");
  });
  document.getElementById("show-keys").addEventListener("click", function () {
    dialog.showModal();
  });

  function rows() {
    return Array.from(document.querySelectorAll(".row"));
  }
  function here() {
    return document.activeElement ? document.activeElement.closest(".row") : null;
  }
  function move(step) {
    const all = rows();
    if (!all.length) return;
    const place = all.indexOf(here());
    const next = all[Math.max(0, Math.min(all.length - 1, place === -1 ? (step > 0 ? 0 : all.length - 1) : place + step))];
    next.querySelector(".row-link").focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function openPart(key) {
    const part = document.querySelector("[data-key-open='" + key + "']");
    if (!part) return false;
    part.open = true;
    const field = part.querySelector("input:checked, input:not([type=hidden]), select, textarea");
    if (field) field.focus();
    return true;
  }
  function fromRow(key) {
    const row = here();
    if (!row) return;
    window.location = row.querySelector(".row-link").href + "#" + (key === "n" ? "contact" : "resolve");
  }
  function press(key) {
    const scope = here() || document.querySelector("#main");
    const button = scope ? scope.querySelector("[data-key='" + key + "']") : null;
    // On the worklist a key acts on the row that has the focus, never on some first row.
    if (button && (here() || !rows().length)) button.click();
  }

  const ACTS = {
    j: function () { move(1); },
    k: function () { move(-1); },
    a: function () { press("a"); },
    n: function () { if (!openPart("n")) fromRow("n"); },
    r: function () { if (!openPart("r")) fromRow("r"); },
    "/": function () {
      const find = document.getElementById("find");
      if (find) find.focus();
    },
    "?": function () { dialog.showModal(); },
    g: function () { goes = true; setTimeout(function () { goes = false; }, 1500); },
    w: function () { if (goes) window.location = "/"; },
  };

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
    if (!on() || document.querySelector("dialog[open]")) return;
    const target = event.target;
    const typing = target.matches("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");
    if (typing || !ACTS[event.key]) return;
    event.preventDefault();
    ACTS[event.key]();
  });

  // A link to #contact or #resolve opens that part.
  function openTarget() {
    const part = window.location.hash ? document.getElementById(window.location.hash.slice(1)) : null;
    if (part && part.tagName === "DETAILS") openPart(part.dataset.keyOpen);
  }
  window.addEventListener("hashchange", openTarget);
  // After the browser has gone to the fragment itself, which takes the focus away.
  window.addEventListener("load", function () { setTimeout(openTarget, 0); });
})();
