// Reads the vendor's session objects.
//
// Two pages of the vendor spell the properties in two ways (caller, Caller; sessionId, Id; sessionState, State), and
// none says whether they are fields or getters, of the object or of its prototype. So every way is read, into the names
// of the Session class page.

const PROPERTIES = [
  "masterSessionId", "sessionId", "sessionState", "startTime", "talkDuration", "stateDuration", "caller", "callee",
  "callerDisplayName", "calleeDisplayName", "callerCallLegId", "calleeCallLegId", "source", "sourceType",
  "destination", "destinationType", "dialedNumber", "direction",
];
const MAX_TEXT = 1024; // characters of one property; a caller chooses some of these texts
const MAX_PROPERTIES = 64;

const bySpelling = new Map(PROPERTIES.map((name) => [name.toLowerCase(), name]));
bySpelling.set("id", "sessionId").set("state", "sessionState");

// The states after which the vendor's page says, or its name does, that the session is over.
const FINAL = new Set([
  "transfercompleted", "transferred", "callerhungup", "calleehungup", "redirected", "notfound", "busy", "rejected",
  "cancelled", "notanswered", "noanswer", "error", "aborted", "completed",
]);

export const isFinal = (state) => FINAL.has(String(state ?? "").replace(/[^A-Za-z]/g, "").toLowerCase());

/** The first characters of a text. A slice of UTF-16 units could leave half of one, which is no valid Unicode. */
export const cut = (text, most) => [...text.slice(0, 2 * most)].slice(0, most).join("");

/** The properties of a vendor's session object that have a value, by their name on the Session class page. */
export function propertiesOf(object) {
  const found = {};
  if (object === null || typeof object !== "object") return found;
  const keys = [];
  for (const key in object) keys.push(key);
  for (const name of [...PROPERTIES, "id", "state"]) keys.push(name, name[0].toUpperCase() + name.slice(1));
  for (const key of keys) {
    const name = bySpelling.get(key.replaceAll("_", "").toLowerCase()) ?? key;
    if (found[name] !== undefined || Object.keys(found).length >= MAX_PROPERTIES) continue;
    const text = textOf(() => object[key]);
    if (text !== undefined) found[name] = text;
  }
  return found;
}

function textOf(get) {
  let value;
  try {
    value = get();
  } catch {
    return undefined; // a getter that fails has no value
  }
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return typeof value === "string" && value !== "" ? cut(value, MAX_TEXT) : undefined;
}

/** What a state callback was given, as [session object, state]. Every example of the vendor has this order; the prose
 * of one page names the state first. */
export function changeOf(first, second) {
  return first !== null && typeof first === "object" ? [first, second] : [second, first];
}
