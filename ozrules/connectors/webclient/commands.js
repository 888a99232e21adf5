// The methods of a session, called once each, and how a refusal shows.
//
// No page of the vendor says how: an exception, a promise that is rejected, an answer of false and an error event are
// all listened for, for a while. A change of the session's state ends the wait. After it, the command is handed over.

import { rawOf, textOf, wordsOf } from "./session.js";

const REFUSAL_WINDOW = 500;
const ARGUMENTS = {
  blindTransfer: ["transferor", "phoneNumber"],
  close: [],
  closeWithHangup: [],
  forward: ["phoneNumber"],
  hangup: [],
  hold: [],
  sendDtmf: ["key", "phoneNumber"],
  startListen: [],
  stopListen: [],
  unhold: [],
};
const PARTIES = { blindTransfer: "transferor", sendDtmf: "phoneNumber" };

export const METHODS = new Set(Object.keys(ARGUMENTS));

/** A method that was surely not carried out; `kind` as in the session protocol. */
export class Refusal extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Throws Refusal where the arguments of a method are not all there. */
export function checkArguments(method, params) {
  const missing = ["sessionId", ...ARGUMENTS[method]].find((name) => typeof params[name] !== "string" || params[name] === "");
  if (missing) throw new Refusal("invalid", `${missing} is missing`);
}

export class Commands {
  #open = new Set(); // commands whose window is open: {id, refuse, done}

  /** Calls the method of the session `id`. Throws Refusal; otherwise it was handed over. */
  call(id, object, method, params) {
    if (typeof object[method] !== "function") throw new Refusal("unavailable", `the script has no ${method}()`);
    const values = ARGUMENTS[method].map((name) =>
      name === PARTIES[method] ? partyAsItCame(object, params[name]) : params[name]);
    return new Promise((resolve, reject) => {
      const command = { id, done: () => finish(resolve), refuse: (...why) => finish(() => reject(refusalFor(...why))) };
      const window = setTimeout(command.done, REFUSAL_WINDOW);
      const finish = (settle) => {
        clearTimeout(window);
        this.#open.delete(command);
        settle();
      };
      const answered = (answer) => {
        if (saysNo(answer)) command.refuse(answer);
      };
      this.#open.add(command);
      try {
        const answer = object[method](...values);
        if (typeof answer?.then === "function") answer.then(answered, command.refuse);
        else answered(answer);
      } catch (error) {
        command.refuse(error);
      }
    });
  }

  /** The session has changed: what was asked of it was handed over. */
  changed(id) {
    for (const command of this.#open) if (command.id === id) command.done();
  }

  /** An error was reported, for whatever reason; whether a command is refused by it. */
  refusedBy(errors) {
    const words = wordsOf(...errors).split(/[^\w-]+/);
    const named = [...this.#open].filter(({ id }) => words.includes(id));
    const meant = named.length > 0 ? named : [...this.#open];
    if (meant.length !== 1) return false;
    meant[0].refuse(...errors);
    return true;
  }
}

/** A party as the session itself has it, perhaps as a number: the script may compare the two. */
function partyAsItCame(object, text) {
  const raws = ["caller", "callee"].map((name) => rawOf(object, name));
  return raws.find((raw) => raw !== undefined && textOf(raw) === text) ?? text;
}

/** Whether what a method gave back is a refusal. Nothing is documented; nothing, and all that is not this, is none. */
function saysNo(answer) {
  if (answer === false || answer instanceof Error) return true;
  return answer !== null && typeof answer === "object" && [answer.success, answer.Success].includes(false);
}

function refusalFor(...errors) {
  const words = errors[0] === false ? "the phone system answered false: the token may lack the privilege" : wordsOf(...errors);
  const denied = /privilege|permission|denied|forbidden|not allowed|unauthori[sz]ed|AllowSessionModification|\b40[13]\b/i;
  return new Refusal(denied.test(words) ? "denied" : "invalid", words || "the phone system refused without a reason");
}
