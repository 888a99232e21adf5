// The next seven days of a number, quarter hour by quarter hour: what the rules would do to a call that nobody answers.

import { ask, el, failed, foreign, put, say, shown, svg, waiting } from "./dom.js";
import { about, actionText, ruleLink } from "./words.js";

const QUARTER = 900;
const CELL = 10;
const ROW = 30;
const DAY = 96;

export function numberPage(body, [caller = "", callee = ""], named) {
  const from = el("input", { type: "text", id: "from", value: caller, inputmode: "tel", autocomplete: "off", maxlength: "64", placeholder: "withheld" });
  const to = el("input", { type: "text", id: "to", value: callee, inputmode: "tel", autocomplete: "off", maxlength: "64" });
  const answer = el("div");
  put(
    body,
    el("p", { class: "lead" }, "What the rules would do to a call between two numbers if it came then, rang, and nobody answered."),
    el(
      "form",
      {
        class: "bar",
        onsubmit: (event) => {
          event.preventDefault();
          location.hash = `#/number/${encodeURIComponent(from.value.trim())}/${encodeURIComponent(to.value.trim())}`;
        },
      },
      el("div", {}, el("label", { for: "from" }, "From"), from),
      el("div", {}, el("label", { for: "to" }, "To"), to),
      el("button", { type: "submit", class: "main" }, "Show the week"),
    ),
    answer,
  );
  if (caller || callee) {
    named(`Week of ${shown(callee || caller)}`);
    put(answer, waiting("Playing the week…"));
    ask("/api/week", { caller, callee }).then((week) => answer.isConnected && put(answer, picture(week)), (error) => put(answer, failed(error)));
  }
}

function picture(week) {
  const zone = week.timezone ?? undefined;
  const days = daysOf(week, zone);
  const looks = lookOf(week);
  const readout = el("p", { class: "readout", role: "status", "aria-live": "polite" });
  const drawing = svg("svg", { class: "week", viewBox: `0 0 ${DAY * CELL} ${days.length * ROW + 2}`, preserveAspectRatio: "none", tabindex: "0", role: "img", "aria-label": "The week; move with the arrow keys, the line below says what you are at" });
  const cursor = svg("rect", { class: "cursor", width: CELL, height: ROW - 4, visibility: "hidden" });
  const at = new Map();
  days.forEach((day, row) => {
    for (const run of runs(day.slots, (slot) => week.slots[slot.index])) {
      const first = run[0];
      drawing.append(svg("rect", { x: first.quarter * CELL, y: row * ROW + 2, width: run.length * CELL, height: ROW - 4, class: looks[week.slots[first.index]].look }));
    }
    for (const slot of day.slots) at.set(`${row}/${slot.quarter}`, slot);
    for (const date of week.dates.filter((each) => each.at >= day.begins && each.at < day.ends)) {
      drawing.append(svg("circle", { cx: quarterOf(date.at, zone) * CELL, cy: row * ROW + ROW / 2, r: 4, class: "date" }));
    }
  });
  for (let hour = 3; hour < 24; hour += 3) {
    drawing.append(svg("line", { x1: hour * 4 * CELL, x2: hour * 4 * CELL, y1: 0, y2: days.length * ROW, class: "tick" }));
  }
  drawing.append(cursor);
  let place = [0, days[0].slots[0].quarter];
  const move = (row, quarter) => {
    const slot = at.get(`${row}/${quarter}`);
    if (slot === undefined) return;
    place = [row, quarter];
    cursor.setAttribute("x", quarter * CELL);
    cursor.setAttribute("y", row * ROW + 2);
    cursor.setAttribute("visibility", "visible");
    const open = Object.entries(week.schedules).filter(([, hours]) => hours[slot.index]).map(([name]) => name);
    const dates = week.dates.filter((date) => date.at >= slot.at && date.at < slot.at + QUARTER).map((date) => `${date.rule} at ${hourOf(date.at, zone)}`);
    const extra = [open.length ? `Open: ${open.join(", ")}.` : "", dates.length ? `By the calendar: ${dates.join(", ")}.` : ""].join(" ");
    say(readout, `${days[row].name} ${hourOf(slot.at, zone)}: ${looks[week.slots[slot.index]].text}. ${extra}`.trim());
  };
  drawing.addEventListener("pointermove", (event) => {
    const box = drawing.getBoundingClientRect();
    move(Math.floor(((event.clientY - box.top) / box.height) * days.length), Math.floor(((event.clientX - box.left) / box.width) * DAY));
  });
  drawing.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    move(place[0] + step[0], place[1] + step[1]);
  });
  drawing.addEventListener("focus", () => move(...place));
  const names = el("div", { class: "days", "aria-hidden": "true" }, days.map((day) => el("span", {}, day.name)));
  const hours = el("div", { class: "hours", "aria-hidden": "true" }, Array.from({ length: 9 }, (_, index) => el("span", {}, `${String(index * 3).padStart(2, "0")}:00`)));
  drawing.style.height = `${days.length * ROW}px`;
  return [
    el("div", { class: "week-box" }, names, el("div", { class: "week-place" }, drawing, hours)),
    readout,
    el(
      "section",
      {},
      el("h2", {}, "What happens"),
      el("ul", { class: "outcomes" }, looks.map((each, index) => el("li", {}, el("i", { class: `swatch ${each.look}` }), el("div", {}, each.parts, el("span", { class: "dim" }, share(week, index)))))),
      week.dates.length ? el("p", { class: "dim" }, el("i", { class: "swatch date" }), ` Moments of the calendar: ${[...new Set(week.dates.map((date) => date.rule))].join(", ")}.`) : null,
    ),
    el("section", {}, el("h2", {}, "Day by day"), el("dl", { class: "days-list" }, days.map((day) => [el("dt", {}, day.name), el("dd", {}, runs(day.slots, (slot) => week.slots[slot.index]).map((run) => el("div", {}, el("span", { class: "dim" }, `${spanOf(run, zone)} `), looks[week.slots[run[0].index]].short)))]))),
    el("p", { class: "dim" }, `Times are those of ${zone ?? "this browser"}. Each quarter is judged as if it were the first call: nothing is throttled, nobody has called before.`),
  ];
}

/** The outcomes in words, each with a colour: quiet where nothing happens. */
function lookOf(week) {
  let colour = 0;
  return week.outcomes.map((acts) => {
    if (acts.length === 0) return { look: "quiet-cell", text: "nothing: it rings on", short: "nothing: it rings on", parts: ["Nothing: it rings on. "] };
    const taking = acts.find((act) => act.controls);
    const text = acts.map((act) => `${after(act)} ${act.rule}${act.actions.length ? `: ${act.actions.map(said).join(", ")}` : ""}`).join("; then ");
    const parts = acts.map((act) => [after(act), " ", el("a", { href: ruleLink(act.rule) }, act.rule), ": ", act.actions.map((each) => el("span", { class: "action" }, foreign(said(each)))), " "]);
    return { look: taking ? `kind-${colour++ % 8}` : "quiet-cell", text: shown(text), short: shown(text), parts };
  });
}

function said([action, args]) {
  return actionText({ action, args });
}

function after(act) {
  return act.after < 1 ? "At once" : `After ${about(act.after)}`;
}

function share(week, index) {
  const count = week.slots.filter((place) => place === index).length;
  return `${about(count * QUARTER)} of the week`;
}

function spanOf(run, zone) {
  const [begins, ends] = [hourOf(run[0].at, zone), hourOf(run.at(-1).at + QUARTER, zone)];
  return begins === "00:00" && ends === begins ? "all day" : `${begins}–${ends === "00:00" ? "24:00" : ends}`;
}

// --- days ------------------------------------------------------------------------------------------------------------

function daysOf(week, zone) {
  const days = new Map();
  week.slots.forEach((_, index) => {
    const at = week.start + index * QUARTER;
    const name = new Date(at * 1000).toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short", timeZone: zone });
    if (!days.has(name)) days.set(name, { name, slots: [], begins: at, ends: at });
    const day = days.get(name);
    day.slots.push({ index, at, quarter: quarterOf(at, zone) });
    day.ends = at + QUARTER;
  });
  return [...days.values()];
}

function quarterOf(at, zone) {
  const [hour, minute] = hourOf(at, zone).split(":").map(Number);
  return hour * 4 + Math.floor(minute / 15);
}

function hourOf(at, zone) {
  return new Date(at * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
}

/** Neighbours with the same answer, together; an hour that comes twice is drawn where its clock stands. */
function runs(slots, key) {
  const found = [];
  for (const slot of slots) {
    const run = found.at(-1);
    if (run !== undefined && key(run[0]) === key(slot) && run.at(-1).quarter + 1 === slot.quarter) run.push(slot);
    else found.push([slot]);
  }
  return found;
}
