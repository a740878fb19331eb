// The console's keyboard, and nothing else: every page works without it.
"use strict";

(() => {
  const items = () => [...document.querySelectorAll("[data-list] [data-item]")];
  const help = document.getElementById("help");
  let at = -1;

  const typing = (target) =>
    target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "checkbox";

  const choose = (place) => {
    const all = items();
    if (!all.length) return;
    at = Math.max(0, Math.min(all.length - 1, place));
    all.forEach((item, n) => item.classList.toggle("chosen", n === at));
    const focus = all[at].querySelector("input, a");
    (focus || all[at]).focus({ preventScroll: true });
    all[at].scrollIntoView({ block: "nearest" });
  };

  const open = () => {
    const link = items()[at]?.querySelector("a.open");
    if (link) link.click();
  };

  // The first press goes to the reason; the second, with a reason written, decides.
  const decide = (key) => {
    const button = document.querySelector(`button[data-key="${key}"]`);
    const reason = document.getElementById("reason");
    if (!button || button.disabled) return false;
    document.querySelectorAll("button[data-key]").forEach((b) => b.classList.toggle("armed", b === button));
    if (reason && !reason.value.trim()) {
      reason.focus();
      reason.scrollIntoView({ block: "center" });
    } else {
      button.focus();
      if (button.dataset.armed) button.click();
      button.dataset.armed = "1";
    }
    return true;
  };

  const moves = {
    j: () => choose(at + 1),
    k: () => choose(at - 1),
    o: open,
    r: () => decide("r"),
    x: () => {
      const box = items()[at]?.querySelector("input[type=checkbox]");
      if (box) box.checked = !box.checked;
      else decide("x");
    },
    u: () => document.querySelector("a[data-key=u]")?.click(),
    "/": () => document.querySelector(".filters select, .filters input, input[type=search]")?.focus(),
    "?": () => help?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === "Escape" && typing(event.target)) {
      event.target.blur();
      return;
    }
    if (event.key === "Enter" && event.target.id === "reason" && !event.shiftKey) {
      const armed = document.querySelector("button.armed");
      if (armed && event.target.value.trim()) {
        event.preventDefault();
        armed.focus();
        armed.dataset.armed = "1";
      }
      return;
    }
    // In a form, a browser takes Enter for its first button.
    if (event.key === "Enter" && event.target.type === "checkbox" && event.target.closest("[data-item]")) {
      event.preventDefault();
      open();
      return;
    }
    if (typing(event.target) || help?.open) return;
    const page = /^[1-5]$/.test(event.key) && document.querySelectorAll(".bar nav a")[event.key - 1];
    const move = page ? () => page.click() : moves[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  });

  document.addEventListener("focusin", (event) => {
    const item = event.target.closest?.("[data-item]");
    if (item) at = items().indexOf(item);
  });

  // A verdict is given once, however often the button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    else if (event.target.querySelector("button[data-key]")) event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });
})();
