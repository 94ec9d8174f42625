// Signs out who has left. Typing and clicking count as being there; two minutes before the end the page asks.
(function () {
  "use strict";

  const WARN_MS = 120000;
  const TELL_EVERY_MS = 60000;
  const dialog = document.getElementById("leaving");
  const words = document.getElementById("leaving-words");
  let expires = Date.parse(document.body.dataset.expires);
  let toldAt = Date.now();
  let leftAlone = false;

  async function extend() {
    toldAt = Date.now();
    const answer = await fetch("/session/extend", {
      method: "POST",
      headers: { "X-CSRF": document.body.dataset.csrf },
    });
    if (!answer.ok) {
      leave();
      return;
    }
    expires = Date.parse((await answer.json()).expires_at);
    look();
  }

  function leave() {
    if (leftAlone) return;
    leftAlone = true;
    // The guard sends an expired session to the sign-in page, and back here afterwards.
    window.location.reload();
  }

  function active() {
    if (Date.now() - toldAt > TELL_EVERY_MS && !dialog.open) extend().catch(function () {});
  }
  for (const kind of ["keydown", "pointerdown", "input"]) {
    document.addEventListener(kind, active, { passive: true });
  }

  function look() {
    const left = expires - window.rpmhub.now();
    if (left <= 0) {
      leave();
    } else if (left <= WARN_MS) {
      const seconds = Math.ceil(left / 1000);
      words.textContent = "You will be signed out in " + window.rpmhub.span(seconds) + ". What you have typed here is kept until then.";
      if (!dialog.open) dialog.showModal();
    } else if (dialog.open) {
      dialog.close();
    }
  }

  document.getElementById("stay").addEventListener("click", function () {
    extend().catch(function () {
      words.textContent = "No connection to the hub. Try again.";
    });
  });
  setInterval(look, 1000);
})();
