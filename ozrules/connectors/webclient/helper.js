// The vendor's helper, asked for the sessions that live.
//
// Its page lists the states by their KEY, its own example asks by a constant of another spelling; so each state is asked
// for in every spelling. What comes back is called an object; a list, a map or an iterator of sessions is read as well,
// and a promise of either is waited for.

import { idOf, isSession, valueOf, wordsOf } from "./session.js";
import { questions } from "./states.js";

const PATIENCE = 3000; // for one answer that is a promise
const MOST = 100000; // sessions of one answer

export class Helper {
  #problem;

  constructor(problem) {
    this.#problem = problem;
  }

  get #helper() {
    return OzWebClient.helper ?? {};
  }

  get canList() {
    return typeof this.#helper.getActiveSessionsBySessionState === "function";
  }

  /** All that it names: {named: id -> {object, states}, failed}. `states` are those under which it named the session.
   * `failed`: sessions may be missing. A state that is on its page was answered in no spelling, or not readably. */
  async ask() {
    const named = new Map();
    const asked = questions().flatMap(({ name, must, spellings }) =>
      spellings.map((spelling) => ({ name, must, answer: this.#answer("getActiveSessionsBySessionState", spelling) })));
    for (const { answer } of asked) answer.catch(() => {}); // it is looked at below, when its turn comes
    const answered = new Set();
    const problems = new Map();
    let unreadable = false;
    for (const { name, must, answer } of asked) {
      try {
        const { found, odd } = sessionsIn(await answer);
        if (odd && found.length === 0) throw new Error("the answer could not be read");
        for (const object of found) {
          const id = idOf(object);
          if (!named.has(id)) named.set(id, { object, states: new Set() });
          named.get(id).states.add(name);
        }
        if (odd) unreadable = true;
        else answered.add(name);
      } catch (error) {
        if (must) problems.set(name, wordsOf(error));
      }
    }
    const missing = [...problems].filter(([name]) => !answered.has(name));
    for (const [name, words] of missing) this.#problem(`getActiveSessionsBySessionState(${name}) failed: ${words}`);
    if (unreadable) this.#problem("getActiveSessionsBySessionState gave something that could not be read");
    return { named, failed: unreadable || missing.length > 0 };
  }

  /** The session of this id; null where the helper knows none, undefined where it cannot say. */
  async byId(id) {
    if (typeof this.#helper.getActiveSessionById !== "function") return undefined;
    try {
      const found = await this.#answer("getActiveSessionById", id);
      if (found === null || found === undefined || found === false) return null;
      return sessionsIn(found).found.find((object) => idOf(object) === id);
    } catch {
      return undefined;
    }
  }

  async #answer(method, argument) {
    let late;
    const timeout = new Promise((_, reject) => {
      late = setTimeout(() => reject(new Error(`no answer in ${PATIENCE / 1000} s`)), PATIENCE);
    });
    try {
      return await Promise.race([this.#helper[method](argument), timeout]);
    } finally {
      clearTimeout(late);
    }
  }
}

/** The sessions in an answer, and whether there was something in it that could not be read. */
function sessionsIn(answer) {
  const found = [];
  return { found, odd: walk(answer, found, 0) };
}

/** Adds the sessions in a value; whether there was something that is none. */
function walk(value, found, depth) {
  if (value === null || value === undefined || value === false || found.length >= MOST) return false;
  if (isSession(value)) {
    found.push(value);
    return false;
  }
  if (typeof value !== "object") return true;
  if (depth > 3) return true;
  const before = found.length;
  let odd = false, plain = depth > 0 && Object.keys(value).length > 0;
  for (const member of membersOf(value)) {
    if (member !== null && typeof member === "object") odd = walk(member, found, depth + 1) || odd;
    else plain = true;
  }
  // a session's id beside it is a map's pair; ids without sessions, or other things, are no list that we can read
  return odd || (plain && found.length === before);
}

function* membersOf(value) {
  if (typeof value[Symbol.iterator] === "function") {
    yield* value; // a list, a set, a map: of a map's pairs, the key is no session
  } else if (typeof value.next === "function") {
    for (let step = value.next(), count = 0; !step.done && count < MOST; step = value.next(), count++) yield step.value;
  } else {
    const keys = new Set();
    for (const key in value) keys.add(key);
    for (let index = 0; index < Math.min(Number(valueOf(value, "length")) || 0, MOST); index++) keys.add(String(index));
    for (const key of keys) {
      const member = valueOf(value, key);
      if (typeof member === "object") yield member;
    }
  }
}
