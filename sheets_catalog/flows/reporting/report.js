"use strict";
(() => {
  const form = document.getElementById("filter");
  const table = document.getElementById("records-table");
  if (!form || !table) return;
  const rows = Array.from(table.tBodies[0].rows);
  const texts = rows.map((row) => row.textContent.toLocaleLowerCase());
  const found = document.getElementById("found");
  const none = document.getElementById("none-found");
  let waiting = 0;

  const filter = () => {
    const words = form.elements.text.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const status = form.elements.status.value;
    const kind = form.elements.table.value;
    let shown = 0;
    rows.forEach((row, at) => {
      const match =
        (!status || row.dataset.status === status) &&
        (!kind || row.dataset.table === kind) &&
        words.every((word) => texts[at].includes(word));
      row.hidden = !match;
      if (match) shown += 1;
    });
    found.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
    none.hidden = shown > 0;
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
})();
