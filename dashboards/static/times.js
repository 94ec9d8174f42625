// Counts down and keeps "12 min ago" true between two answers of the hub. The absolute time stands beside it always.
(function () {
  "use strict";

  // The hub's clock, not this machine's: a laptop that is five minutes off must not mislead about a deadline.
  let ahead = Date.parse(document.body.dataset.now) - Date.now();

  function now() {
    return Date.now() + ahead;
  }

  function span(seconds) {
    if (seconds < 60) return seconds + " s";
    const minutes = Math.floor(seconds / 60);
    if (minutes < 120) return minutes + " min";
    if (minutes < 48 * 60) return Math.floor(minutes / 60) + " h";
    return Math.floor(minutes / 1440) + " days";
  }

  function countdown(seconds) {
    if (seconds <= 0) return "now";
    if (seconds >= 3600) return "in " + span(seconds);
    return "in " + Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");
  }

  function relative(gone) {
    if (Math.abs(gone) < 60) return gone >= 0 ? "just now" : "in under a minute";
    return gone > 0 ? span(gone) + " ago" : "in " + span(-gone);
  }

  function write(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  function tick() {
    const at = now();
    for (const element of document.querySelectorAll("[data-countdown]")) {
      const left = Math.ceil((Date.parse(element.dataset.countdown) - at) / 1000);
      write(element, countdown(left));
      element.classList.toggle("soon", left < 120);
    }
    for (const element of document.querySelectorAll("[data-relative]")) {
      write(element, relative(Math.floor((at - Date.parse(element.dataset.relative)) / 1000)));
    }
  }

  function clock(ms) {
    const zone = document.body.dataset.zone || undefined;
    return new Date(ms).toLocaleTimeString("en-GB", { timeZone: zone, hour12: false });
  }

  window.rpmhub = {
    now: now,
    clock: clock,
    span: span,
    tick: tick,
    setNow: function (ms) {
      ahead = ms - Date.now();
    },
  };
  tick();
  setInterval(tick, 1000);
})();
