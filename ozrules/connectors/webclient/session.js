// Reads what the vendor's script hands out: session objects, the arguments of callbacks, errors.
//
// Two pages of the vendor spell the properties in two ways (caller, Caller; sessionId, Id; sessionState, State), and
// none says whether they are fields or getters, of the object or of its prototype. So every way is read, into the names
// of the Session class page. No page is sure about the order of a callback's arguments either, so an argument is known
// by what it is: a session has an id and methods.

import { isKnown, lettersOf, stateFrom } from "./states.js";

const PROPERTIES = [
  "masterSessionId", "sessionId", "sessionState", "startTime", "talkDuration", "stateDuration", "caller", "callee",
  "callerDisplayName", "calleeDisplayName", "callerCallLegId", "calleeCallLegId", "source", "sourceType",
  "destination", "destinationType", "dialedNumber", "direction",
];
const METHODS = [
  "onSessionStateChanged", "blindTransfer", "close", "closeWithHangup", "forward", "hangup", "hold", "sendDtmf",
  "startListen", "stopListen", "unhold",
];
const MAX_TEXT = 1024; // characters of one property; a caller chooses some of these texts
const MAX_PROPERTIES = 64;

const bySpelling = new Map(PROPERTIES.map((name) => [name.toLowerCase(), name]));
bySpelling.set("id", "sessionId").set("state", "sessionState");
const nameOf = (key) => bySpelling.get(key.replaceAll("_", "").toLowerCase()) ?? key;

const isObject = (value) => value !== null && (typeof value === "object" || typeof value === "function");

/** A property's value, or undefined where there is none or its getter fails. */
export function valueOf(object, key) {
  try {
    return object[key];
  } catch {
    return undefined;
  }
}

// as the pages write them; they win over whatever else an object has
const WRITTEN = [...PROPERTIES, "id", "state", "sessionID", "masterSessionID"].flatMap((name) =>
  [name, name[0].toUpperCase() + name.slice(1)]);

function keysOf(object) {
  const keys = [...WRITTEN];
  try {
    for (const key in object) keys.push(key);
  } catch {
    // an object that does not list its keys has the known ones all the same
  }
  return keys;
}

/** The first characters of a text. A slice of UTF-16 units could leave half of one, which is no valid Unicode. */
export const cut = (text, most) => [...text.slice(0, 2 * most)].slice(0, most).join("");

/** The properties of a vendor's session object that have a value, by their name on the Session class page. */
export function propertiesOf(object) {
  const found = {};
  if (!isObject(object)) return found;
  for (const key of keysOf(object)) {
    const name = nameOf(key);
    if (found[name] !== undefined || Object.keys(found).length >= MAX_PROPERTIES) continue;
    const value = valueOf(object, key);
    const text = name === "sessionState" ? textOf(stateFrom(value)) : textOf(value);
    if (text !== undefined) found[name] = text;
  }
  return found;
}

/** A property as the object has it, so that it can be given back to the script as it came. */
export function rawOf(object, name) {
  const key = keysOf(object).find((each) => nameOf(each) === name && textOf(valueOf(object, each)) !== undefined);
  return key === undefined ? undefined : valueOf(object, key);
}

/** What an object gives as its state, readable or not. */
export function rawStateOf(object) {
  for (const key of keysOf(object)) {
    const value = nameOf(key) === "sessionState" ? valueOf(object, key) : undefined;
    if (value !== null && value !== undefined && value !== "") return value;
  }
  return undefined;
}

export function textOf(value) {
  if (["number", "boolean", "bigint"].includes(typeof value)) return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  if (typeof value !== "string" || value === "") return undefined;
  return cut(value.toWellFormed(), MAX_TEXT);
}

/** The id of a session, whatever else it has. */
export function idOf(object) {
  if (!isObject(object)) return undefined;
  for (const key of ["sessionId", "SessionId", "id", "Id", "SessionID"]) {
    const text = textOf(valueOf(object, key));
    if (text !== undefined) return text;
  }
  return propertiesOf(object).sessionId;
}

/** Whether this is a session: an object with an id and with methods of one. */
export function isSession(value) {
  return isObject(value) && METHODS.some((name) => typeof valueOf(value, name) === "function") && idOf(value) !== undefined;
}

/** What a callback was given, in whatever order: {object, id, state, raw}, each undefined where it was not given.
 * `object` is the session, `id` names one that is not there as an object, `raw` is a state that could not be read. */
export function argumentsOf(args) {
  const read = { states: [] };
  for (const arg of args) take(read, arg);
  const { object, states } = read;
  const id = object === undefined ? read.id : idOf(object);
  // a text that is no known state may be the id, or a reason that stands beside the state
  const texts = states.map((value) => textOf(stateFrom(value))).filter((text) => text !== undefined && text !== id);
  const state = texts.find(isKnown) ?? texts[0];
  const raw = states.find((value) => stateFrom(value) === undefined && textOf(value) !== id);
  return { object, id, state, raw };
}

function take(read, arg, within = false) {
  if (isSession(arg)) {
    read.object ??= arg;
  } else if (isObject(arg) && typeof arg !== "function" && !within && stateFrom(arg) === undefined) {
    // an info object, as connection states come in: {State, Session}
    for (const key of ["session", "Session", ...keysOf(arg)]) {
      const value = valueOf(arg, key);
      if (lettersOf(key) === "SESSION") take(read, value, true);
      else if (nameOf(key) === "sessionState") note(read, value);
      else if (nameOf(key) === "sessionId") read.id ??= textOf(value);
    }
  } else {
    note(read, arg);
  }
}

function note(read, value) {
  if (value !== undefined && value !== null && value !== "") read.states.push(value);
}

/** The words of exceptions or of error objects, whose fields are not documented. */
export function wordsOf(...errors) {
  return cut(errors.map(wordsOfOne).filter(Boolean).join(", "), 300);
}

function wordsOfOne(error) {
  if (!isObject(error)) return textOf(error) ?? "";
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  return Object.entries(propertiesOf(error)).map(([name, value]) => `${name}: ${value}`).join(", ");
}
