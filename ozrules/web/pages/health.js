// How the daemon stands: the line that is always in sight, and the page with everything.

import { el, foreign, put, shown } from "./dom.js";
import { link } from "./link.js";
import { about, milliseconds, ruleLink, words } from "./words.js";

/** One line: live or lost, ready or not, and whether anything is sent at all. */
export function standingShown(place) {
  const now = link.standing;
  if (link.state !== "live" || now === null) {
    put(place, el("span", { class: "chip bad", "data-state": link.state }, link.state === "connecting" ? "Connecting…" : "Link lost, trying again…"));
    return;
  }
  put(
    place,
    now.mode === "observe" ? el("span", { class: "chip open" }, "Observing: nothing is sent") : null,
    now.paused.length ? el("a", { class: "chip open", href: "#/rules" }, "Paused") : null,
    now.overrides.length ? el("a", { class: "chip open", href: "#/health" }, "Switched by hand") : null,
    el("a", { class: `chip ${now.ready ? "good" : "bad"}`, href: "#/health", "data-state": "live" }, now.ready ? "Ready" : "Not ready"),
  );
}

export function healthPage(body) {
  const draw = () => {
    if (link.standing !== null) put(body, ...cards(link.standing));
  };
  draw();
  link.addEventListener("standing", draw);
  return () => link.removeEventListener("standing", draw);
}

function cards(now) {
  return [
    el(
      "section",
      { class: `verdict ${now.ready ? "good" : "bad"}` },
      el("h2", {}, now.ready ? "Ready: calls are acted upon" : "Not ready"),
      now.ready
        ? el("p", {}, "Every phone system is connected and its calls are known, the journal can be written, the rules on disk are in force.")
        : el("ul", {}, now.problems.map((problem) => el("li", {}, shown(problem)))),
    ),
    el(
      "div",
      { class: "cards" },
      card("Connections", el("ul", { class: "rows" }, now.connections.map((one) => el("li", {}, dot(one.ready), el("strong", {}, foreign(one.name)), el("span", { class: "dim" }, foreign(one.detail)))))),
      card(
        "Calls and timers",
        facts([
          ["Live sessions", now.sessions],
          ["Timers waiting", now.timers.waiting],
          ["Timers late", now.timers.late, now.timers.late > 0],
          ["Times that changes may have been missed", now.gaps],
        ]),
      ),
      card(
        "How fast",
        el(
          "table",
          { class: "latencies" },
          el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "From, to"), el("th", { scope: "col" }, "Half"), el("th", { scope: "col" }, "99 of 100"), el("th", { scope: "col", class: "number" }, "Count"))),
          el("tbody", {}, [
            latency("event to decision", now.latency.eventToDecision),
            latency("decision to command", now.latency.decisionToCommand),
            latency("command to proof", now.latency.commandToProof),
            latency("journal to disk", now.latency.journalSync),
          ]),
        ),
      ),
      card(
        "Queues",
        facts([
          ["Events not looked at yet", now.queues.inbox],
          ["Commands that wait", now.queues.commands],
          ["Webhooks that wait", now.queues.webhooks],
          ["Webhooks delivered", now.webhooks.delivered],
          ["Webhooks given up", now.webhooks.dead, now.webhooks.dead > 0],
          ["Webhooks refused", now.webhooks.refused, now.webhooks.refused > 0],
        ]),
      ),
      card(
        "Rules",
        facts([
          ["In force", el("a", { href: "#/rules" }, now.rules)],
          ["Paused", now.paused.length ? now.paused.map((rule) => (rule === "*" ? "all" : el("a", { href: ruleLink(rule) }, rule))) : "none", now.paused.length > 0],
          ["Mode", now.mode],
          ...now.overrides.map((one) => [`Switched by hand: ${one.schedule}`, `${one.to}${one.until ? ` until ${one.until.slice(0, 16).replace("T", " ")}` : ""}, by ${shown(one.by ?? "")}`]),
          ["Last reload", now.reload.holds ? "accepted" : "refused: the rules before it are in force", !now.reload.holds],
          ["Revision", el("code", {}, now.revision.slice(7, 19))],
        ]),
      ),
      card(
        "The daemon",
        facts([
          ["Version", now.version],
          ["Up for", about(now.uptime)],
          ...Object.entries(now.tolerated).map(([kind, count]) => [`Tolerated: ${words(kind).toLowerCase()}`, count]),
        ]),
      ),
    ),
  ];
}

function card(title, ...children) {
  return el("section", { class: "card" }, el("h2", {}, title), children);
}

function facts(rows) {
  return el("dl", { class: "facts" }, rows.map(([name, value, bad]) => [el("dt", {}, name), el("dd", { class: bad ? "bad" : null }, value)]));
}

function latency(name, figures) {
  const none = figures.count === 0;
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, name),
    el("td", {}, none ? "–" : milliseconds(figures.p50)),
    el("td", {}, none ? "–" : milliseconds(figures.p99)),
    el("td", { class: "number" }, figures.count),
  );
}

function dot(ready) {
  return el("span", { class: `dot ${ready ? "good" : "bad"}`, role: "img", "aria-label": ready ? "ready" : "not ready" });
}
