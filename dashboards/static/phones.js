// Keeps each chat at its newest text.
(function () {
  "use strict";

  function down() {
    for (const chat of document.querySelectorAll(".chat")) chat.scrollTop = chat.scrollHeight;
  }
  document.addEventListener("htmx:afterSettle", down);
  down();
})();
