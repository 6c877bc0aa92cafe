import { initAll } from "./vendor/govuk-frontend.min.js";

initAll();

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

// A choice that only filters is applied at once; the button stays for those without scripts and for keyboards.
for (const field of document.querySelectorAll("select[data-submit]")) {
  field.addEventListener("change", () => field.form.requestSubmit());
}

// Before an idle session ends a dialog asks. Unanswered, the form that was begun goes to its own address marked `kept`: the server
// saves nothing and keeps what was typed. Every page of the service, in any tab, begins the time anew.
const WARN = 120, AFTER = 3, SEEN = "harmcast-seen";
const dialog = document.getElementById("timeout");
if (dialog) {
  const idle = Number(dialog.dataset.idleSeconds);
  let begun = null, left = false;
  const seen = () => localStorage.setItem(SEEN, String(Date.now()));
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form && form.method === "post" && !dialog.contains(form) && !form.querySelector("[type=password]")) begun = form;
  });
  dialog.querySelector("[data-stay]").addEventListener("submit", async (event) => {
    event.preventDefault();
    const answer = await fetch("/account/stay", { method: "POST", body: new URLSearchParams(new FormData(event.target)), redirect: "manual" });
    if (answer.ok) { seen(); dialog.close(); }
  });
  const leave = () => {
    left = true;
    if (!begun) { location.reload(); return; }
    const mark = document.createElement("input");
    mark.type = "hidden"; mark.name = "kept"; mark.value = "1";
    begun.append(mark);
    HTMLFormElement.prototype.submit.call(begun);
  };
  seen();
  setInterval(() => {
    const rested = (Date.now() - Number(localStorage.getItem(SEEN))) / 1000;
    if (left) return;
    if (rested >= idle + AFTER) leave();
    else if (rested >= idle - WARN) { if (!dialog.open) dialog.showModal(); }
    else if (dialog.open) dialog.close();
  }, 1000);
}
