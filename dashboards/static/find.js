// Finds a patient among those on the page. The name never leaves it: nothing is asked of the hub.
(function () {
  "use strict";

  const field = document.querySelector("[data-find]");
  if (!field) return;
  const count = document.getElementById("find-count");

  function apply() {
    const words = field.value.trim().toLowerCase();
    let found = 0;
    for (const item of document.querySelectorAll(field.dataset.find + " > li[data-name]")) {
      item.hidden = !item.dataset.name.includes(words);
      if (!item.hidden) found += 1;
    }
    count.textContent = words ? found + " found" : "";
  }
  field.addEventListener("input", apply);
  field.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      field.value = "";
      apply();
    }
    if (event.key !== "Enter") return;
    const first = document.querySelector(field.dataset.find + " > li[data-name]:not([hidden]) a");
    if (first) first.click();
  });
  document.addEventListener("htmx:afterSettle", apply);
})();
