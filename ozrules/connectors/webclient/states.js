// The states of a session, and of the connection, in every form in which a script may give them.
//
// The vendor's pages show a state as KEY ("INCALL"), as value ("InCall"), in an older spelling ("IN_CALL", "HOLD") and
// as a constant (CallState.IN_CALL), whose value no page shows. So a number or an object is looked up in the script's
// own constants; and what the helper names when it is asked for one state teaches what a number means.

const LIVE = [
  "Ringing", "InCall", "CalleeOnHold", "CallerOnHold", "OnHold", "OnHoldInactive", "TransferRequested", "Transferring",
  "TransferFailed",
];
// The vendor's class page does not have these; its sister products do, and one example is told of Setup.
const SETTING_UP = ["Setup", "Created", "TransferSetup", "Calling"];
const OLD = ["Hold", "Answered"];
const FINAL = [
  "TransferCompleted", "Transferred", "CallerHungUp", "CalleeHungUp", "Redirected", "NotFound", "Busy", "Rejected",
  "Cancelled", "NotAnswered", "NoAnswer", "Error", "Aborted", "Completed",
];
const FIELDS = ["value", "Value", "name", "Name", "key", "Key", "text", "Text"]; // of an enum's member

export const lettersOf = (text) => String(text ?? "").replace(/[^A-Za-z]/g, "").toUpperCase();

const lettersOfAll = (names) => new Set(names.map(lettersOf));
const KNOWN = lettersOfAll([...LIVE, ...SETTING_UP, ...OLD, ...FINAL]);
const BEGINNINGS = lettersOfAll(["Ringing", ...SETTING_UP]);
const ENDS = lettersOfAll(FINAL);
const MOVES = lettersOfAll(["Redirected", "TransferCompleted", "Transferred"]);

export const isKnown = (state) => KNOWN.has(lettersOf(state));
export const isFinal = (state) => ENDS.has(lettersOf(state));
export const isBeginning = (state) => BEGINNINGS.has(lettersOf(state));
/** Ends of a session after which its call goes on, in another session or, for all we know, in the same. */
export const isMovedOn = (state) => MOVES.has(lettersOf(state));

const learnt = new Map(); // the text of a state that says nothing by itself -> the state that it means

/** The constants of the script for states, as [key, value]. */
function constants() {
  const found = [];
  if (typeof CallState !== "undefined") found.push(...Object.entries(CallState ?? {}));
  if (typeof SessionState !== "undefined") found.push(...Object.entries(SessionState ?? {}));
  return found.filter(([key]) => KNOWN.has(lettersOf(key)));
}

/** The words for a state that a callback or a property gave, or undefined where they cannot be found out. */
export function stateFrom(value) {
  if (value === null || value === undefined || value === "") return undefined;
  const known = typeof value === "string" && KNOWN.has(lettersOf(value));
  if (known) return value;
  const constant = constants().find(([, each]) => each === value || (isPlain(each) && isPlain(value) && String(each) === String(value)));
  if (constant) return constant[0];
  switch (typeof value) {
    case "number":
    case "bigint":
      return learnt.get(String(value));
    case "string":
      return /^\s*\d+\s*$/.test(value) ? learnt.get(value.trim()) : value;
    case "symbol":
      return value.description;
    case "object":
      return stateInside(value);
    default:
      return undefined;
  }
}

const isPlain = (value) => ["string", "number", "bigint"].includes(typeof value);

/** An enum's member as an object: it bears its name in some field, or says it as its text. */
function stateInside(object) {
  for (const field of FIELDS) {
    try {
      if (typeof object[field] === "string" && KNOWN.has(lettersOf(object[field]))) return object[field];
    } catch {
      // a getter that fails says nothing
    }
  }
  try {
    const text = String(object);
    return KNOWN.has(lettersOf(text)) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** What the helper showed: `value`, which says nothing by itself, is the state `words`. */
export function learn(value, words) {
  if (isPlain(value)) learnt.set(String(value).trim(), words);
}

/** What the helper is asked for: each state with all its spellings, the vendor's KEY first. `must`: of its own list. */
export function questions() {
  const asked = [
    ...LIVE.map((name) => ({ name, must: true })),
    ...["Hold", ...SETTING_UP].map((name) => ({ name, must: false })),
  ];
  return asked.map(({ name, must }) => {
    const spellings = [name.toUpperCase(), name, ...(name === "InCall" ? ["IN_CALL"] : [])];
    for (const [key, value] of constants()) if (lettersOf(key) === lettersOf(name)) spellings.push(value);
    return { name, must, spellings: [...new Set(spellings)] };
  });
}

const CONNECTION_STATES = ["ACCESS_GRANTED", "ACCESS_DENIED", "CONNECTION_FAILED", "CONNECTION_CLOSED"];

/** Which state of the connection a callback's argument means: the vendor's examples look into its `State`. */
export function connectionStateOf(info) {
  const inside = info !== null && typeof info === "object" ? info.State ?? info.state : info;
  const constants = typeof ConnectionState === "undefined" ? {} : ConnectionState;
  const means = (value, name) => value !== undefined && (value === constants[name] || lettersOf(value) === lettersOf(name));
  return CONNECTION_STATES.find((name) => means(inside, name) || means(info, name));
}
