// The entrance: logs in, keeps the link alive, and shows the page that the address names. Addresses stand after the #,
// so that no server and no log ever sees a number that was looked at.

import { callPage } from "./call.js";
import { decisionsPage } from "./decisions.js";
import { el, put, say } from "./dom.js";
import { healthPage, standingShown } from "./health.js";
import { link } from "./link.js";
import { livePage } from "./live.js";
import { numberPage } from "./number.js";
import { rulePage, rulesPage } from "./rules.js";

const main = document.getElementById("main");
const pages = document.getElementById("pages");
const leave = document.getElementById("leave");
const announcer = document.getElementById("announcer");

const ROUTES = {
  "": ["Calls", livePage],
  decisions: ["Decisions", decisionsPage],
  rules: ["Rules", rulesPage],
  rule: ["Rule", rulePage],
  call: ["Call", callPage],
  number: ["Week of a number", numberPage],
  health: ["Health", healthPage],
};

let shownPage = null;

/** Shows the page of the address; a page gives back what must be done when it is left. */
function show({ focus = true } = {}) {
  const [name, ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  const [title, page] = ROUTES[name] ?? ROUTES[""];
  shownPage?.();
  const heading = el("h1", { tabindex: "-1" }, title);
  const body = el("div", { class: "page" });
  put(main, heading, body);
  const named = (text) => {
    say(heading, text);
    document.title = `${text} · ozrules`;
  };
  named(title);
  for (const each of pages.querySelectorAll("a")) {
    const here = each.getAttribute("href") === `#/${{ rule: "rules", call: "" }[name] ?? name}`;
    if (here) each.setAttribute("aria-current", "page");
    else each.removeAttribute("aria-current");
  }
  shownPage = page(body, rest.map(decodeURIComponent), named) ?? null;
  if (focus) heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

// --- logging in ------------------------------------------------------------------------------------------------------

async function logIn(token) {
  const answer = await fetch("/login", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (answer.ok) return null;
  if (answer.status === 429) return `Too many wrong tokens. Try again in ${answer.headers.get("Retry-After")} s.`;
  return answer.status === 401 ? "That is not the token." : `The daemon answered ${answer.status}.`;
}

function askForToken(why = "") {
  link.close();
  shownPage?.();
  shownPage = null;
  pages.hidden = leave.hidden = true;
  put(document.getElementById("standing"));
  document.title = "Log in · ozrules";
  const token = el("input", { type: "password", id: "token", autocomplete: "current-password", required: true, spellcheck: "false" });
  const problem = el("p", { class: "bad", role: "alert", id: "problem" }, why);
  const form = el(
    "form",
    {
      class: "login",
      onsubmit: async (event) => {
        event.preventDefault();
        const refused = await logIn(token.value);
        if (refused === null) begin();
        else {
          say(problem, refused);
          token.select();
        }
      },
    },
    el("h1", {}, "Log in"),
    el("p", {}, "The token is the one that the configuration names under ", el("code", {}, "web"), "."),
    el("label", { for: "token" }, "Token"),
    token,
    problem,
    el("button", { type: "submit", class: "main" }, "Log in"),
  );
  put(main, form);
  token.focus();
}

function begin() {
  pages.hidden = leave.hidden = false;
  link.open();
  show({ focus: false });
}

leave.addEventListener("click", async () => {
  await fetch("/logout", { method: "POST" });
  askForToken();
});

// --- what is always in sight -----------------------------------------------------------------------------------------

link.addEventListener("state", () => {
  if (link.state === "out") {
    askForToken("You have been logged out.");
    return;
  }
  say(announcer, link.state === "live" ? "Connected to the daemon." : "The link to the daemon is lost.");
  standingShown(document.getElementById("standing"));
});
link.addEventListener("standing", () => standingShown(document.getElementById("standing")));

let acted = 0;
link.addEventListener("records", (event) => {
  acted += event.detail.fresh.filter((record) => record.reason === "fired").length;
});
setInterval(() => {
  if (acted) say(announcer, acted === 1 ? "A rule acted." : `Rules acted ${acted} times.`);
  acted = 0;
}, 5000);

// --- light and dark --------------------------------------------------------------------------------------------------

const THEMES = ["auto", "light", "dark"];
const theme = document.getElementById("theme");

function wear(name) {
  document.documentElement.dataset.theme = name;
  say(theme, { auto: "Auto", light: "Light", dark: "Dark" }[name]);
  theme.setAttribute("aria-label", `Theme: ${name === "auto" ? "as the system" : name}`);
}

theme.addEventListener("click", () => {
  const next = THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % THEMES.length];
  localStorage.setItem("theme", next);
  wear(next);
});
wear(THEMES.includes(localStorage.getItem("theme")) ? localStorage.getItem("theme") : "auto");

// --- begin -----------------------------------------------------------------------------------------------------------

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener("hashchange", () => {
  if (!pages.hidden) show();
});

const given = /^#token=(.+)$/.exec(location.hash);
if (given) {
  history.replaceState(null, "", "/");
  const refused = await logIn(given[1]);
  if (refused === null) begin();
  else askForToken(refused);
} else if ((await fetch("/api/status")).ok) begin();
else askForToken();
