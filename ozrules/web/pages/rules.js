// The rules in force, and one rule: how often it gave which reason, when it last acted, and its text with hits.

import { ask, el, failed, put, shown, waiting } from "./dom.js";
import { line, outcomesOf } from "./decisions.js";
import { link } from "./link.js";
import { about, mood, reason, ruleLink, words } from "./words.js";

export function rulesPage(body) {
  const again = once(body, async () => table(await ask("/api/rules")));
  const timer = setInterval(again, 5000);
  return () => clearInterval(timer);
}

function table(rules) {
  return el(
    "table",
    { class: "rules" },
    el("caption", { class: "sr" }, "Rules in force, in the order in which they come"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col", class: "number" }, "Priority"), el("th", { scope: "col" }, "Rule"), el("th", { scope: "col" }, "When a call"), el("th", { scope: "col", class: "number" }, "Acted since the start"))),
    el(
      "tbody",
      {},
      rules.map((rule) =>
        el(
          "tr",
          {},
          el("td", { class: "number dim" }, rule.priority),
          el("th", { scope: "row" }, el("a", { href: ruleLink(rule.id) }, rule.id), badges(rule), el("p", {}, shown(rule.description))),
          el("td", {}, rule.triggers.map((trigger) => el("div", {}, triggerText(trigger)))),
          el("td", { class: "number count" }, rule.fired),
        ),
      ),
    ),
  );
}

function triggerText(trigger) {
  if (trigger.kind === "calendar") return "at a time of the calendar";
  const states = trigger.states.map((state) => words(shown(state))).join(", ");
  if (trigger.kind === "routing") return `is to be routed: ${states}`;
  const origins = trigger.from ? ` from ${trigger.from.map((state) => words(shown(state))).join(", ")}` : "";
  return `${trigger.for ? "stays" : "enters"} ${states}${origins}${trigger.for ? ` for ${about(trigger.for)}` : ""}`;
}

function badges(rule) {
  return [
    rule.status === "active" ? null : el("span", { class: "chip open" }, rule.status),
    rule.paused ? el("span", { class: "chip open" }, "paused") : null,
    rule.tags.map((tag) => el("span", { class: "chip plain" }, tag)),
  ];
}

export function rulePage(body, [name], named) {
  named(name);
  const again = once(body, async () => {
    const [rule, recent] = await Promise.all([ask("/api/rule", { id: name }), ask("/api/records", { rule: name, limit: 20 })]);
    return rulePicture(rule, recent);
  });
  const timer = setInterval(again, 5000);
  return () => clearInterval(timer);
}

function rulePicture(rule, recent) {
  const fired = rule.reasons.find((each) => each.reason === "fired");
  const total = rule.reasons.reduce((sum, each) => sum + each.count, 0);
  const outcomes = outcomesOf(recent);
  return [
    el("p", { class: "lead" }, shown(rule.description), " ", badges(rule)),
    el(
      "dl",
      { class: "tiles" },
      tile("Acted in 7 days", fired?.count ?? 0),
      tile("Looked at", total),
      tile("Last acted", fired ? el("time", { title: link.date(fired.last) }, `${about(link.now() - fired.last)} ago`) : "never"),
      tile("Priority", rule.priority),
    ),
    el(
      "section",
      {},
      el("h2", {}, "Reasons"),
      rule.reasons.length
        ? el(
            "table",
            { class: "bars" },
            el("caption", { class: "sr" }, "How often each reason was given in the last 7 days"),
            el("thead", { class: "sr" }, el("tr", {}, el("th", { scope: "col" }, "Reason"), el("th", { scope: "col" }, "Share"), el("th", { scope: "col" }, "Count"), el("th", { scope: "col" }, "Last"))),
            el(
              "tbody",
              {},
              rule.reasons.map((each) =>
                el(
                  "tr",
                  {},
                  el("th", { scope: "row" }, reason(each.reason), el("code", { class: "dim" }, each.reason)),
                  el("td", { class: "share" }, bar(each.count / total, mood(each.reason))),
                  el("td", { class: "number" }, each.count),
                  el("td", { class: "dim" }, `${about(link.now() - each.last)} ago`),
                ),
              ),
            ),
          )
        : el("p", { class: "empty" }, "Its trigger has not matched in the last 7 days."),
    ),
    el("section", {}, el("h2", {}, "Source"), el("p", { class: "dim" }, el("code", {}, `${rule.file}:${rule.line}`), ", as it is in force. Counts are of this text in the last 7 days."), source(rule)),
    el("section", {}, el("h2", {}, "Lately"), recent.length ? el("ol", { class: "record" }, recent.filter((record) => record.type === "decision").map((record) => line(record, outcomes))) : el("p", { class: "empty" }, "Nothing yet.")),
  ];
}

function source(rule) {
  const said = { matched: "matched", stopped: "stopped it", acted: "done" };
  return el(
    "div",
    { class: "source", tabindex: "0", role: "region", "aria-label": "Source of the rule" },
    el(
      "table",
      {},
      el("tbody", {},
        rule.lines.map((text, index) => {
          const number = rule.firstLine + index;
          const hits = rule.hits.filter((hit) => hit.line === number && hit.count > 0);
          return el(
            "tr",
            { class: hits.length ? `hit ${hits[0].what}` : null },
            el("td", { class: "line" }, number),
            el("td", {}, el("code", {}, shown(text))),
            el("td", { class: "hits" }, hits.map((hit) => el("span", {}, `${hit.count} × ${said[hit.what]}`))),
          );
        }),
      ),
    ),
  );
}

function tile(name, value) {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

function bar(part, look) {
  const inner = el("i", { class: look });
  inner.style.setProperty("--part", part.toFixed(4));
  return el("span", { class: "bar-of", "aria-hidden": "true" }, inner);
}

/** Draws what `make` promises; what is there already stays until then. Gives the function that does it again. */
function once(body, make) {
  put(body, waiting());
  const again = async () => {
    try {
      const made = await make();
      if (body.isConnected && !body.contains(document.activeElement)) put(body, made);
    } catch (error) {
      if (body.isConnected) put(body, failed(error));
    }
  };
  again();
  return again;
}
