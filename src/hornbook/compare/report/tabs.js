"use strict";
// Panels that stand one below the other become tabs (arrow keys, Home and End move); without this script all stay visible.
for (const group of document.querySelectorAll(".tabs")) {
  const panels = [...group.querySelectorAll(":scope > .panel")];
  if (panels.length < 2) continue;
  const name = group.closest("section").id;
  const list = document.createElement("div");
  list.className = "tab-list";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-labelledby", name + "-heading");
  const tabs = panels.map((panel, number) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.textContent = panel.dataset.tab;
    tab.id = name + "-tab-" + number;
    panel.id = name + "-panel-" + number;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    tab.addEventListener("click", () => show(number));
    list.append(tab);
    return tab;
  });
  const show = (chosen) => {
    panels.forEach((panel, number) => panel.classList.toggle("away", number !== chosen));
    tabs.forEach((tab, number) => {
      tab.setAttribute("aria-selected", String(number === chosen));
      tab.tabIndex = number === chosen ? 0 : -1;
    });
  };
  list.addEventListener("keydown", (event) => {
    const now = tabs.indexOf(document.activeElement);
    const last = tabs.length - 1;
    const next = { ArrowRight: now === last ? 0 : now + 1, ArrowLeft: now === 0 ? last : now - 1, Home: 0, End: last }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
    tabs[next].focus();
  });
  group.prepend(list);
  group.classList.add("ready");
  show(0);
}
