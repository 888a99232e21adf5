// The calls that live now. Only the rows in sight exist as elements, each is used again for the next call that comes
// into sight, and a text is touched only when it changes: a thousand calls cost what thirty do.

import { el, foreign, mark, put, say, shown } from "./dom.js";
import { link } from "./link.js";
import { callLink, FAMILIES, familyOf, ruleLink, span, words } from "./words.js";

const ROW = 56; // pixels, as in dashboard.css
const SPARE = 6;

const ORDERS = {
  newest: ["Newest first", (one, other) => startOf(other) - startOf(one)],
  longest: ["Longest in state first", (one, other) => one.since - other.since],
  timer: ["Next timer first", (one, other) => nextDue(one) - nextDue(other)],
};

export function livePage(body) {
  const view = { text: "", family: "", order: "newest", list: [] };
  const counts = el("div", { class: "families", role: "group", "aria-label": "Only calls that are" });
  const search = el("input", {
    type: "search",
    id: "find-call",
    placeholder: "Number, name, rule, session",
    oninput: () => {
      view.text = search.value.trim().toLowerCase();
      arrange();
    },
  });
  const order = el(
    "select",
    {
      id: "order",
      onchange: () => {
        view.order = order.value;
        arrange();
      },
    },
    Object.entries(ORDERS).map(([name, [title]]) => el("option", { value: name }, title)),
  );
  const rows = el("tbody");
  const table = el(
    "table",
    { class: "calls" },
    el("caption", { class: "sr" }, "Calls that live now"),
    el("thead", {}, el("tr", {}, ["State", "Caller", "Callee", "In state", "Waiting", "Session"].map((title) => el("th", { scope: "col" }, title)))),
    rows,
  );
  const empty = el("p", { class: "empty" });
  put(
    body,
    counts,
    el("div", { class: "bar" }, el("div", {}, el("label", { for: "find-call" }, "Find"), search), el("div", {}, el("label", { for: "order" }, "Order"), order)),
    table,
    empty,
  );

  const above = spacer();
  const below = spacer();
  const pool = new Map();

  function arrange() {
    const all = [...link.sessions.values()];
    tally(all);
    view.list = all.filter((one) => (!view.family || familyOf(one.state) === view.family) && (!view.text || textOf(one).includes(view.text)));
    view.list.sort(ORDERS[view.order][1]);
    table.setAttribute("aria-rowcount", String(view.list.length + 1));
    table.hidden = view.list.length === 0;
    say(empty, view.list.length ? "" : all.length ? "No call is like that." : link.state === "live" ? "No calls at the moment." : "");
    window_();
  }

  function tally(all) {
    const found = Object.fromEntries(FAMILIES.map(({ name }) => [name, 0]));
    for (const one of all) {
      const family = familyOf(one.state);
      found[family in found ? family : "other"] += 1;
    }
    if (counts.childElementCount === 0) {
      put(counts, familyButton("", "All", "all"), FAMILIES.map(({ name, title }) => familyButton(name, title, name)));
    }
    for (const button of counts.children) {
      const name = button.dataset.family;
      const count = name === "" ? all.length : found[name];
      say(button.firstChild, String(count));
      mark(button, "aria-pressed", String(view.family === name));
      button.hidden = name === "other" && count === 0 && view.family !== "other";
    }
  }

  function familyButton(name, title, colour) {
    return el(
      "button",
      {
        type: "button",
        class: `family ${colour}`,
        "data-family": name,
        onclick: () => {
          view.family = view.family === name ? "" : name;
          arrange();
        },
      },
      el("strong", {}, "0"),
      el("span", {}, title),
    );
  }

  function window_() {
    const top = Math.max(0, -rows.getBoundingClientRect().top);
    const first = Math.max(0, Math.floor(top / ROW) - SPARE);
    const last = Math.min(view.list.length, Math.ceil((top + innerHeight) / ROW) + SPARE);
    const seen = view.list.slice(first, last);
    const keys = new Set(seen.map((one) => one.key));
    const free = [];
    for (const [key, row] of pool) {
      if (!keys.has(key)) {
        pool.delete(key);
        free.push(row);
      }
    }
    height(above, first * ROW);
    height(below, (view.list.length - last) * ROW);
    let before = above;
    if (above.parentNode !== rows) rows.append(above, below);
    for (const [index, one] of seen.entries()) {
      let row = pool.get(one.key);
      if (row === undefined) {
        row = free.pop() ?? new Row();
        pool.set(one.key, row);
      }
      row.show(one, first + index + 2);
      if (before.nextSibling !== row.element) before.after(row.element);
      before = row.element;
    }
    for (const row of free) row.element.remove();
  }

  let asked = 0;
  const soon = () => {
    asked ||= requestAnimationFrame(() => {
      asked = 0;
      arrange();
    });
  };
  let moved = 0;
  const scrolled = () => {
    moved ||= requestAnimationFrame(() => {
      moved = 0;
      window_();
    });
  };
  const ticking = setInterval(() => {
    const now = link.now();
    for (const row of pool.values()) row.tick(now);
  }, link.pace > 1 ? 100 : 250);
  arrange();
  link.addEventListener("sessions", soon);
  link.addEventListener("state", soon);
  addEventListener("scroll", scrolled, { passive: true });
  addEventListener("resize", scrolled);
  return () => {
    clearInterval(ticking);
    link.removeEventListener("sessions", soon);
    link.removeEventListener("state", soon);
    removeEventListener("scroll", scrolled);
    removeEventListener("resize", scrolled);
  };
}

/** One row, which shows one call now and perhaps another one later. */
class Row {
  constructor() {
    this.state = el("span", { class: "state" });
    this.caller = el("td");
    this.callee = el("td");
    this.time = el("td", { class: "time" });
    this.timers = el("td", { class: "timers" });
    this.session = el("a");
    this.element = el("tr", {}, el("td", {}, this.state), this.caller, this.callee, this.time, this.timers, el("td", {}, this.session));
  }

  show(one, index) {
    mark(this.element, "aria-rowindex", String(index));
    if (this.one === one) return;
    this.one = one;
    say(this.state, words(shown(one.state)));
    mark(this.state, "class", `state ${familyOf(one.state)}`);
    const page = callLink(one.connection, one.sessionId, one.start);
    party(this.caller, one.caller, one.callerDisplayName, page);
    party(this.callee, one.callee, one.calleeDisplayName);
    say(this.session, shown(one.sessionId));
    mark(this.session, "href", page);
    mark(this.session, "title", `${shown(one.connection)}${one.direction ? `, ${shown(one.direction)}` : ""}`);
    this.left = one.timers.toSorted((timer, other) => timer.due - other.due).map((timer) => {
      const left = el("span", { class: "left" });
      const bar = el("i");
      return { timer, left, bar, element: el("a", { href: ruleLink(timer.rule), class: "timer" }, el("span", {}, timer.rule), left, bar) };
    });
    put(this.timers, this.left.slice(0, 2).map(({ element }) => element), this.left.length > 2 ? el("span", { class: "dim" }, `and ${this.left.length - 2} more`) : null, one.running.map((rule) => el("a", { href: ruleLink(rule), class: "timer running" }, `${rule} is at work`)));
    this.tick(link.now());
  }

  tick(now) {
    say(this.time, span(now - this.one.since));
    for (const { timer, left, bar } of this.left) {
      say(left, timer.due > now ? `in ${span(Math.ceil(timer.due - now))}` : "due");
      const part = (now - this.one.since) / Math.max(0.001, timer.due - this.one.since);
      bar.style.setProperty("--part", String(Math.min(1, Math.max(0, part)).toFixed(3)));
    }
  }
}

function party(cell, number, name, page = null) {
  put(cell, el(page ? "a" : "span", { class: "party", href: page }, number ? foreign(number) : el("span", { class: "dim" }, "withheld")), name ? foreign(name, { class: "name" }) : null);
}

function spacer() {
  return el("tr", { class: "spacer", "aria-hidden": "true" }, el("td", { colspan: "6" }));
}

function height(row, pixels) {
  row.firstChild.style.height = `${pixels}px`;
  row.hidden = pixels === 0;
}

function textOf(one) {
  const texts = [one.caller, one.callee, one.callerDisplayName, one.calleeDisplayName, one.sessionId, one.state, one.connection, ...one.timers.map((timer) => timer.rule), ...one.running];
  return texts.filter(Boolean).join(" ").toLowerCase();
}

function startOf(one) {
  one.began ??= one.start.startsWith("@") ? Number(one.start.slice(1)) : Date.parse(one.start) / 1000 || one.since;
  return one.began;
}

function nextDue(one) {
  return Math.min(...one.timers.map((timer) => timer.due), Infinity);
}
