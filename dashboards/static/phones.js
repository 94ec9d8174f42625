// Keeps each chat at its newest text; whoever reads an older one is left there until a new one comes.
(function () {
  "use strict";

  const seen = new Map();

  function down() {
    for (const wrap of document.querySelectorAll(".chat-wrap")) {
      const chat = wrap.querySelector(".chat");
      const newest = chat.lastElementChild ? chat.lastElementChild.id : "";
      if (seen.get(wrap.id) === newest) continue;
      seen.set(wrap.id, newest);
      chat.scrollTop = chat.scrollHeight;
    }
  }
  // A phone that was silent when the page was made, and is no more, must be seen.
  function unfold() {
    const folded = document.querySelector("details.silent");
    if (folded && !folded.open && folded.querySelector(".chat li:not(.empty)")) folded.open = true;
  }
  document.addEventListener("htmx:afterSettle", down);
  document.addEventListener("htmx:afterSettle", unfold);
  down();
})();
