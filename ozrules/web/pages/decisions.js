// The decisions, as they happen and as far back as the record goes. What became of an action stands with its decision.

import { ask, el, failed, foreign, put, say, shown, waiting } from "./dom.js";
import { link } from "./link.js";
import { actionText, callLink, clockOf, leafParts, mood, reason, ruleLink, words } from "./words.js";

const MOST = 200;
const KINDS = {
  "": ["Everything", () => true],
  acted: ["Rules that acted", (record) => record.reason === "fired" || record.type === "log"],
  stopped: ["Rules that did not", (record) => record.type === "decision" && record.reason !== "fired"],
  daemon: ["The daemon itself", (record) => ["reload", "gap", "connection", "control"].includes(record.type)],
};

export function decisionsPage(body, [rule = ""]) {
  const view = { text: "", kind: "", held: false, found: null };
  const search = el("input", { type: "search", id: "find-decision", placeholder: "Number, name, rule, session", value: rule });
  const kind = el("select", { id: "kind" }, Object.entries(KINDS).map(([name, [title]]) => el("option", { value: name }, title)));
  const hold = el("button", { type: "button", class: "quiet", "aria-pressed": "false" }, "Hold");
  const list = el("ol", { class: "record", "aria-label": "Decisions, newest first" });
  const note = el("p", { class: "dim record-note", role: "status" });
  const more = el("button", { type: "button", class: "quiet", hidden: true }, "Older");
  put(
    body,
    el(
      "form",
      {
        class: "bar",
        role: "search",
        onsubmit: (event) => {
          event.preventDefault();
          find();
        },
      },
      el("div", {}, el("label", { for: "find-decision" }, "Search the record"), search),
      el("div", {}, el("label", { for: "kind" }, "Show"), kind),
      el("button", { type: "submit", class: "main" }, "Search"),
      hold,
    ),
    note,
    list,
    more,
  );

  /** All of the record that has the text in it; without a text, what is happening. */
  async function find() {
    view.text = search.value.trim();
    if (view.text === "") {
      view.found = null;
      draw();
      return;
    }
    put(list, el("li", {}, waiting("Searching…")));
    try {
      view.found = await ask("/api/records", { text: view.text, limit: MOST });
      draw();
    } catch (error) {
      put(list, el("li", {}, failed(error)));
    }
  }

  function draw() {
    const records = view.found ?? link.records;
    const outcomes = outcomesOf(records);
    const shownNow = records.filter((record) => KINDS[view.kind][1](record) && !joined(record, records)).slice(0, view.found ? undefined : MOST);
    put(list, shownNow.map((record) => line(record, outcomes)));
    say(note, noteText(shownNow.length));
    more.hidden = view.found === null || view.found.length === 0;
  }

  function noteText(count) {
    if (view.found !== null) return `${count} found${view.found.length >= MOST ? ", there may be more" : ""}.`;
    if (view.held) return "Held: what happens meanwhile is not shown.";
    return count ? "As they happen, newest first." : "Nothing has been decided yet.";
  }

  const fresh = (event) => {
    if (view.held || view.found !== null) return;
    draw();
    const seen = new Set(event.detail.fresh.map((record) => String(record.seq)));
    for (const each of list.children) each.classList.toggle("fresh", seen.has(each.dataset.seq));
    if (event.detail.skipped) say(note, `${event.detail.skipped} more came at once; search shows them.`);
  };
  kind.addEventListener("change", () => {
    view.kind = kind.value;
    draw();
  });
  hold.addEventListener("click", () => {
    view.held = !view.held;
    hold.setAttribute("aria-pressed", String(view.held));
    draw();
  });
  more.addEventListener("click", async () => {
    try {
      const older = await ask("/api/records", { text: view.text, before: view.found.at(-1).seq, limit: MOST });
      view.found.push(...older);
      draw();
      more.hidden = older.length === 0;
    } catch (error) {
      more.after(failed(error));
    }
  });
  link.addEventListener("records", fresh);
  const catchUp = async () => {
    link.remember(await ask("/api/records", { limit: MOST }));
    if (view.found === null) draw();
  };
  link.addEventListener("again", catchUp);
  catchUp().catch((error) => put(list, el("li", {}, failed(error))));
  if (rule) find();
  return () => {
    link.removeEventListener("records", fresh);
    link.removeEventListener("again", catchUp);
  };
}

/** The last outcome of each command. */
export function outcomesOf(records) {
  const found = new Map();
  for (const record of records) {
    if (record.type === "outcome" && !found.has(record.command_id)) found.set(record.command_id, record);
  }
  return found;
}

/** Whether this outcome stands with its decision already. */
function joined(record, records) {
  return record.type === "outcome" && records.some((other) => other.type === "decision" && other.decision_id === record.decision_id);
}

/** One record as a line of the list. */
export function line(record, outcomes) {
  return el(
    "li",
    { "data-seq": record.seq, class: record.reason === "fired" ? "acted" : null },
    el("time", { datetime: record.time, title: record.time }, clockOf(record.time)),
    el("div", { class: "what" }, what(record, outcomes)),
    el("div", { class: "whom" }, record.sessionId ? whom(record) : record.connection ? foreign(record.connection) : null),
  );
}

function whom(record) {
  const session = record.session;
  return [
    el("a", { href: callLink(record.connection, record.sessionId, session?.startTime ?? "") }, foreign(record.sessionId)),
    session ? el("span", { class: "parties" }, session.caller ? foreign(session.caller) : "withheld", " → ", session.callee ? foreign(session.callee) : "?") : null,
    session?.callerDisplayName ? foreign(session.callerDisplayName, { class: "name" }) : null,
  ];
}

function what(record, outcomes) {
  switch (record.type) {
    case "decision":
      return [
        el("a", { class: "rule", href: ruleLink(record.rule) }, record.rule),
        el("span", { class: `chip ${mood(record.reason)}` }, reason(record.reason), record.by ? `: ${record.by}` : null),
        record.mode === "observe" && record.reason === "fired" ? el("span", { class: "chip open" }, "observed only") : null,
        record.actions.map((action) => actionOf(action, outcomes)),
        (record.chosen ?? []).map((way) => wayOf(way)),
        record.failed.slice(0, 3).map((leaf) => leafOf(leaf)),
        valuesOf(record.values),
      ];
    case "chosen":
      return [el("a", { class: "rule", href: ruleLink(record.rule) }, record.rule), wayOf(record)];
    case "outcome":
      return [el("a", { class: "rule", href: ruleLink(record.rule) }, record.rule), outcomeOf(record)];
    case "log":
      return [el("a", { class: "rule", href: ruleLink(record.rule) }, record.rule), foreign(record.text)];
    case "gap":
      return el("span", { class: "chip open" }, `Changes may have been missed: ${shown(record.reason)}`);
    case "connection":
      return [el("span", { class: `chip ${record.ready ? "good" : "bad"}` }, record.ready ? "Connected" : "Not connected"), foreign(record.detail)];
    case "reload":
      return record.ok
        ? el("span", { class: "chip good" }, `${record.rules} rules in force`)
        : [el("span", { class: "chip bad" }, "Rules refused"), record.errors.map((error) => el("span", { class: "leaf" }, shown(error)))];
    case "control":
      return el("span", { class: `chip ${record.ok ? "plain" : "bad"}` }, `${record.command} ${shown(Object.values(record.args).join(" "))} by ${shown(record.who.by)}`);
    default:
      return el("span", {}, words(record.type));
  }
}

function leafOf(leaf) {
  const { subject, wanted, actual } = leafParts(leaf);
  return el("span", { class: "leaf" }, shown(`${subject} ${wanted}: is ${actual ?? "absent"}`));
}

/** Which way actions went, and to what. */
function wayOf(way) {
  return el("span", { class: "action" }, shown([`chose ${way.branch}`, ...way.actions.map(actionText)].join(" ")));
}

/** What the conditions read, folded away. */
export function valuesOf(values) {
  const read = Object.entries(values ?? {});
  if (read.length === 0) return null;
  return el(
    "details",
    { class: "values" },
    el("summary", {}, `${read.length} ${read.length === 1 ? "value" : "values"} read`),
    el("dl", {}, read.map(([path, value]) => [el("dt", {}, shown(path)), el("dd", {}, value === null ? "absent" : foreign(value))])),
  );
}

function actionOf(action, outcomes) {
  const outcome = outcomes.get(action.command_id);
  return el("span", { class: "action" }, shown(actionText(action)), outcome ? outcomeOf(outcome) : null);
}

function outcomeOf(outcome) {
  const after = outcome.after_ms >= 1000 ? `${(outcome.after_ms / 1000).toFixed(1)} s` : `${outcome.after_ms} ms`;
  const title = outcome.error ? shown(outcome.error) : null;
  return el("span", { class: `chip ${mood(outcome.outcome)}`, title }, `${words(outcome.outcome).toLowerCase()} after ${after}`);
}
