// Signs out who has left. Typing and clicking count as being there; two minutes before the end the page asks.
(function () {
  "use strict";

  const WARN_MS = 120000;
  const TELL_EVERY_MS = 60000;
  const dialog = document.getElementById("leaving");
  const words = document.getElementById("leaving-words");
  let expires = Date.parse(document.body.dataset.expires);
  let toldAt = Date.now();
  let leaving = false;
  let asking = false;

  async function ask(path, options) {
    const answer = await fetch(path, options);
    if (answer.status === 401) leave();
    if (answer.ok) expires = Date.parse((await answer.json()).expires_at);
  }
  function extend() {
    toldAt = Date.now();
    return ask("/session/extend", { method: "POST", headers: { "X-CSRF": document.body.dataset.csrf } }).then(look);
  }

  function leave() {
    if (leaving) return;
    leaving = true;
    // The guard sends an ended session to the sign-in page, and back here afterwards.
    window.location.reload();
  }

  function active() {
    if (Date.now() - toldAt > TELL_EVERY_MS && !dialog.open) extend().catch(function () {});
  }
  for (const kind of ["keydown", "pointerdown", "input"]) {
    document.addEventListener(kind, active, { passive: true });
  }

  // Another tab may have kept the session alive: ask before warning, and before leaving. Asking keeps nothing alive.
  function check() {
    if (asking) return;
    asking = true;
    ask("/session/left", { headers: { "HX-Request": "true" } }).then(look, cut).finally(function () { asking = false; });
  }

  // No answer, and the time is up: whoever walks by must not read on.
  function cut() {
    if (expires > window.rpmhub.now()) return;
    document.getElementById("main").hidden = true;
    words.textContent = "You are signed out, and there is no connection to the hub.";
    if (!dialog.open) dialog.showModal();
  }

  function look() {
    const left = expires - window.rpmhub.now();
    if (left > WARN_MS) {
      if (dialog.open) dialog.close();
      return;
    }
    const seconds = Math.max(0, Math.ceil(left / 1000));
    words.textContent = "You will be signed out in " + window.rpmhub.span(seconds) + ". What you have typed here is kept until then.";
    if (!dialog.open) dialog.showModal();
  }

  function tick() {
    const left = expires - window.rpmhub.now();
    if (left <= 0 || (left <= WARN_MS && !dialog.open)) check();
    else look();
  }

  document.getElementById("stay").addEventListener("click", function () {
    extend().catch(function () {
      words.textContent = "No connection to the hub. Try again.";
    });
  });
  setInterval(tick, 1000);
})();
