// One call: its legs as coloured bars in time, decisions and actions as marks, and for every rule why, or why not.

import { ask, el, failed, foreign, put, shown, svg, waiting } from "./dom.js";
import { line, outcomesOf, valuesOf } from "./decisions.js";
import { link } from "./link.js";
import { familyOf, familyTitle, leafParts, mood, reason, ruleLink, span, words } from "./words.js";

const WIDTH = 1000;
const BAR = 26;
const GAP = 56;
const MARKS = 56;

export function callPage(body, [connection, session, start = ""], named) {
  named(`Call ${shown(session)}`);
  put(body, waiting("Playing the call again…"));
  let last = "";
  let left = false;
  const again = async () => {
    try {
      const found = await ask("/api/call", { connection, session, start });
      const text = JSON.stringify([found.legs, found.records]);
      if (left || text === last) return;
      last = text;
      const open = new Set([...body.querySelectorAll("details[open]")].map((each) => each.id));
      put(body, picture(found, named));
      for (const each of body.querySelectorAll("details")) if (open.has(each.id)) each.open = true;
    } catch (error) {
      if (!left) put(body, failed(error));
    }
  };
  again();
  // a live call grows: ask again when it has changed, and not more often than the answer takes
  let due = 0;
  const changed = (event) => {
    if (due || !(event.detail ?? []).some((key) => key.startsWith(`${connection}/${session}@`))) return;
    due = setTimeout(async () => {
      await again();
      due = 0;
    }, 1000);
  };
  link.addEventListener("sessions", changed);
  return () => {
    left = true;
    clearTimeout(due);
    link.removeEventListener("sessions", changed);
  };
}

function picture(found, named) {
  const first = found.legs.find((leg) => leg.sessionId === found.call.session_id) ?? found.legs[0];
  named(`Call ${shown(found.call.session_id)}`);
  const live = [...link.sessions.values()].find((one) => one.connection === found.call.connection && one.sessionId === found.call.session_id && one.start === found.call.start);
  const records = found.records.toSorted((one, other) => one.seq - other.seq);
  const outcomes = outcomesOf(records.toReversed());
  const told = records.filter((record) => record.type !== "outcome" && record.type !== "event");
  const groups = [
    ["Acted", found.why.filter((each) => each.reason === "fired"), true],
    ["Looked at, and did not act", found.why.filter((each) => each.reason !== "fired" && each.at !== null), true],
    ["Never had to look", found.why.filter((each) => each.at === null), false],
  ];
  return [
    el(
      "p",
      { class: "lead" },
      first?.caller ? foreign(first.caller) : "withheld",
      first?.callerDisplayName ? [" (", foreign(first.callerDisplayName), ")"] : null,
      " → ",
      first?.callee ? foreign(first.callee) : "?",
      " ",
      live ? el("span", { class: `state ${familyOf(live.state)}` }, words(live.state)) : null,
      el("span", { class: "dim" }, ` on ${shown(found.call.connection)}`),
    ),
    el("section", {}, el("h2", {}, "Timeline"), timeline(found, records, live !== undefined)),
    el(
      "section",
      { class: "why" },
      el("h2", {}, "Why, and why not"),
      el("p", { class: "dim" }, "The recorded call played to the rules in force now, as ", el("code", {}, "ozrules why"), " does."),
      groups.map(([title, list, open]) =>
        list.length
          ? el("details", { id: `group-${title}`, open }, el("summary", {}, title, el("span", { class: "count" }, list.length)), el("ul", { class: "answers" }, list.map((each) => answer(each, found))))
          : null,
      ),
    ),
    el("section", {}, el("h2", {}, "What was decided then"), told.length ? el("ol", { class: "record" }, told.map((record) => line(record, outcomes))) : el("p", { class: "empty" }, "Nothing was decided on it.")),
  ];
}

function answer(each, found) {
  const at = each.at === null ? null : link.clock(each.at);
  return el(
    "li",
    {},
    el("div", { class: "head" }, el("a", { class: "rule", href: ruleLink(each.rule) }, each.rule), el("span", { class: `chip ${mood(each.reason)}` }, reason(each.reason), each.by ? `: ${each.by}` : null), at ? el("time", { class: "dim" }, at) : null),
    el("p", { class: "dim" }, shown(found.rules[each.rule] ?? "")),
    each.failed.length
      ? el(
          "table",
          { class: "leaves" },
          el("thead", {}, el("tr", {}, ["Condition", "Wanted", "Was", "Where"].map((title) => el("th", { scope: "col" }, title)))),
          el("tbody", {}, each.failed.map(leafRow)),
        )
      : null,
    each.ways.map((way) => el("p", { class: "dim" }, shown(`chose ${way}`))),
    valuesOf(each.values),
    changeOf(each.change),
    each.at === null && each.seen.length ? el("p", {}, "The call was in: ", each.seen.map((state) => words(state)).join(", "), ".") : null,
  );
}

/** The smallest change with which the rule would have acted, tried out by the daemon. */
function changeOf(change) {
  if (!change) return null;
  if (change.rule?.length === 0) return el("p", { class: "change" }, "Played again without what disturbed it then, it acts.");
  const parts = [
    change.call ? el("li", {}, el("strong", {}, "Of the call: "), shown(change.call.join(", and "))) : null,
    change.rule ? el("li", {}, el("strong", {}, "Of the rule: "), shown(change.rule.join(", and "))) : null,
  ];
  return parts.some(Boolean) ? el("div", { class: "change" }, el("p", {}, "The smallest change with which it would have acted"), el("ul", {}, parts)) : null;
}

function leafRow(leaf) {
  const { subject, wanted, actual } = leafParts(leaf);
  return el("tr", {}, el("td", {}, subject), el("td", {}, shown(wanted)), el("td", {}, actual === null ? "absent" : foreign(actual)), el("td", {}, el("code", {}, place(leaf.at))));
}

/** `rules.yaml:12:5` without the folders. */
function place(text) {
  return shown(text.slice(text.lastIndexOf("/") + 1));
}

// --- the timeline ----------------------------------------------------------------------------------------------------

function timeline(found, records, live) {
  const moments = found.legs.flatMap((leg) => leg.states.map((state) => state.at));
  if (moments.length === 0) return el("p", { class: "empty" }, "Nothing of it is in the recording any more.");
  const begins = Math.min(...moments);
  const decided = records.filter((record) => record.type === "decision" || record.type === "outcome").map((record) => Date.parse(record.time) / 1000);
  const ends = Math.max(...moments, ...decided, live ? found.now : 0, begins + 1);
  const over = (ends - begins) * 1.02;
  const x = (at) => Math.round(((at - begins) / over) * WIDTH * 10) / 10;
  const tall = found.legs.length * GAP + MARKS + 22;
  const drawing = svg("svg", { class: "timeline", viewBox: `0 0 ${WIDTH} ${tall}`, role: "img", "aria-label": spoken(found, records), preserveAspectRatio: "none" });
  for (const at of ticks(over)) {
    drawing.append(svg("line", { x1: x(begins + at), x2: x(begins + at), y1: 0, y2: tall - 22, class: "tick" }));
  }
  found.legs.forEach((leg, row) => {
    leg.states.forEach((state, index) => {
      const until = leg.states[index + 1]?.at ?? (isOver(state.state) ? null : live ? found.now : ends);
      const y = row * GAP + 20;
      if (until === null) {
        drawing.append(svg("rect", { x: x(state.at), y, width: 3, height: BAR, class: `end ${familyOf(state.state)}` }, svg("title", {}, `${words(state.state)} at ${link.clock(state.at)}`)));
      } else {
        drawing.append(svg("rect", { x: x(state.at), y, width: Math.max(2, x(until) - x(state.at)), height: BAR, class: familyOf(state.state) }, svg("title", {}, `${words(state.state)} for ${span(until - state.at)} from ${link.clock(state.at)}`)));
      }
    });
  });
  const y = found.legs.length * GAP + 14;
  for (const record of records) {
    const at = Date.parse(record.time) / 1000;
    if (record.type === "decision") {
      const acted = record.reason === "fired";
      if (acted) drawing.append(svg("line", { x1: x(at), x2: x(at), y1: 8, y2: y, class: "mark" }));
    }
  }
  const place = el("div", { class: "axis", "aria-hidden": "true" }, ticks(over).map((at) => positioned(el("span", {}, `+${span(at)}`), at / over)));
  const labels = found.legs.map((leg, row) => {
    const label = el("div", { class: "leg" }, el("strong", {}, foreign(leg.sessionId)), " ", leg.caller ? foreign(leg.caller) : "withheld", " → ", leg.callee ? foreign(leg.callee) : "?");
    label.style.top = `${row * GAP}px`;
    return label;
  });
  const dots = el("div", { class: "dots", "aria-hidden": "true" });
  dots.style.top = `${y + 2}px`;
  for (const record of records) {
    const at = (Date.parse(record.time) / 1000 - begins) / over;
    if (record.type === "decision") dots.append(positioned(el("i", { class: `decision ${mood(record.reason)} ${record.reason === "fired" ? "" : "lower"}`, title: `${clockOfRecord(record)} ${record.rule}: ${reason(record.reason)}` }), at));
    if (record.type === "outcome") dots.append(positioned(el("i", { class: `outcome ${mood(record.outcome)}`, title: `${clockOfRecord(record)} ${record.action} ${words(record.outcome)}` }), at));
  }
  drawing.style.height = `${tall}px`;
  return el(
    "div",
    { class: "timeline-box" },
    el("div", { class: "timeline-place" }, drawing, labels, dots, place),
    el("p", { class: "legend" }, el("span", {}, el("i", { class: "decision good" }), "acted"), el("span", {}, el("i", { class: "decision plain" }), "did not act"), el("span", {}, el("i", { class: "outcome good" }), "proven by what was seen"), [...new Set(found.legs.flatMap((leg) => leg.states.map((state) => familyOf(state.state))))].map((family) => el("span", {}, el("i", { class: `swatch ${family}` }), familyTitle(family)))),
  );
}

function positioned(element, part) {
  element.style.left = `${(part * 100).toFixed(3)}%`;
  return element;
}

function isOver(state) {
  return ["over", "failed"].includes(familyOf(state)) && state !== "TransferFailed";
}

function clockOfRecord(record) {
  return record.time.slice(11, 23);
}

function spoken(found, records) {
  const legs = found.legs.map((leg) => `${shown(leg.sessionId)}: ${leg.states.map((state) => `${words(state.state)} at ${link.clock(state.at)}`).join(", ")}`);
  const acted = records.filter((record) => record.reason === "fired").map((record) => `${record.rule} acted at ${clockOfRecord(record)}`);
  return [...legs, ...acted].join(". ");
}

/** Round moments on the axis, six or so. */
function ticks(seconds) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400];
  const step = steps.find((each) => seconds / each <= 7) ?? 86400;
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, index) => index * step);
}

