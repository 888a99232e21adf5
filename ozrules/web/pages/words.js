// How things are said: states, reasons, moments and spans of time. No elements here.

const HELD = ["CalleeOnHold", "CallerOnHold", "OnHold", "OnHoldInactive"];
const MOVING = ["TransferRequested", "TransferSetup", "Transferring"];
const FAILED = ["NotFound", "Busy", "Error", "Aborted", "TransferFailed"];
const BEGINNING = ["Created", "Setup", "Ringing"];
const OVER = ["TransferCompleted", "CallerHungUp", "CalleeHungUp", "Redirected", "Cancelled", "NotAnswered", "Completed"];

/** The families of states, each with a colour of its own. */
export const FAMILIES = [
  { name: "ringing", title: "Ringing", states: BEGINNING },
  { name: "talking", title: "Talking", states: ["InCall"] },
  { name: "held", title: "On hold", states: HELD },
  { name: "moving", title: "Transferring", states: MOVING },
  { name: "other", title: "Other", states: [] },
];

/** What a family is called, those of calls that have ended too. */
export function familyTitle(name) {
  return { over: "Ended", failed: "Failed" }[name] ?? FAMILIES.find((family) => family.name === name).title;
}

export function familyOf(state) {
  for (const family of FAMILIES) if (family.states.includes(state)) return family.name;
  if (FAILED.includes(state)) return "failed";
  return OVER.includes(state) ? "over" : "other";
}

/** `CalleeOnHold` as `Callee on hold`; `other:X` as it is. */
export function words(name) {
  if (name.startsWith("other:")) return name;
  const spaced = name.replace(/([a-z])([A-Z])/g, (_, before, after) => `${before} ${after.toLowerCase()}`);
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

const REASONS = {
  fired: "acted",
  stateOther: "the call was never in such a state",
  fromOther: "the call came from another state",
  forRunning: "its time is still running",
  stateLeftBeforeFor: "the call left the state too early",
  conditionFalse: "a condition did not hold",
  fieldMissing: "a value is missing",
  outsideSchedule: "outside its hours",
  exception: "an exception held",
  throttled: "throttled",
  outrankedBy: "another rule had the call",
  modeBusy: "it was at work on the call already",
  guard: "a guard said no",
  protected: "the call is protected",
  budget: "the limit of actions was reached",
  hops: "forwarded too often",
  shadow: "would have acted (shadow)",
  notInCanary: "not in its canary share",
  disabled: "disabled",
  missedSkip: "missed while away, skipped",
  missedTooLate: "missed while away, too late",
  callGone: "the call was gone",
  ruleRemoved: "the rule was removed",
  degraded: "not seen well enough to act",
  actionFailed: "an action failed",
  cancelled: "cancelled",
};

export function reason(name) {
  return REASONS[name] ?? words(name).toLowerCase();
}

/** How a reason or an outcome is to be looked at: good, bad, open, or plain. */
export function mood(name) {
  if (["fired", "confirmed", "accepted"].includes(name)) return "good";
  if (["rejected", "refused", "unconfirmed", "unknown", "actionFailed", "guard", "budget", "hops"].includes(name)) return "bad";
  if (["forRunning", "shadow", "missedTooLate", "missedSkip", "degraded", "lostRace", "expired", "throttled"].includes(name)) return "open";
  return "plain";
}

/** A span as a stopwatch shows it: `0:07`, `12:05`, `1:02:30`. */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (number) => String(number).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  return whole < 3600 ? `${minutes}:${two(whole % 60)}` : `${Math.floor(whole / 3600)}:${two(minutes)}:${two(whole % 60)}`;
}

/** A span in words: `20 s`, `3 min`, `2 h 5 min`, `4 days`. */
export function about(seconds) {
  const whole = Math.round(seconds);
  if (whole < 90) return `${whole} s`;
  if (whole < 5400) return `${Math.round(whole / 60)} min`;
  if (whole < 172800) return whole % 3600 < 60 ? `${Math.floor(whole / 3600)} h` : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.round(whole / 86400)} days`;
}

export function milliseconds(seconds) {
  if (seconds === null) return "above all bounds";
  return seconds < 1 ? `≤ ${Number((seconds * 1000).toPrecision(3))} ms` : `≤ ${seconds} s`;
}

/** The wall clock of the daemon's own record (`2026-11-23T10:00:20.004+01:00`), as it stands there. */
export function clockOf(time) {
  return time.slice(11, 19);
}

/** What an action is, in short: `forward 2010`. */
export function actionText(action) {
  const values = Object.entries(action.args ?? {}).map(([name, value]) => (name === "to" ? value : `${name} ${value}`));
  return [action.action, ...values].join(" ");
}

/** What was not as a rule wanted it: `caller`, `in blocked`, and what was there. */
export function leafParts(leaf) {
  const operator = leaf.wanted.split(" ", 1)[0];
  const path = leaf.path.replace(/^(conditions|use)\./, "");
  const subject = path.endsWith(`.${operator}`) ? path.slice(0, -operator.length - 1) : path;
  return { subject, wanted: leaf.wanted, actual: leaf.actual };
}

/** Where a call's page is. */
export function callLink(connection, session, start = "") {
  return `#/call/${[connection, session, start].map(encodeURIComponent).join("/")}`;
}

export function ruleLink(rule) {
  return `#/rule/${encodeURIComponent(rule)}`;
}
