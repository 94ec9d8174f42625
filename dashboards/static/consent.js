// Proposes the words of the consent that was chosen, unless somebody has changed them.
(function () {
  "use strict";

  const scope = document.querySelector("[data-wordings]");
  if (!scope) return;
  const wording = document.getElementById(scope.dataset.wordings);
  const proposals = Array.from(scope.options, function (option) { return option.dataset.wording; });

  scope.addEventListener("change", function () {
    const typed = wording.value.trim();
    if (typed === "" || proposals.includes(typed)) wording.value = scope.selectedOptions[0].dataset.wording;
  });
})();
