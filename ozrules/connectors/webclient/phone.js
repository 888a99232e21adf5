// The phone system, through the documented calls of the vendor's JavaScript API and nothing else.
//
// What the documentation leaves open is not decided here: what one reading would lose, is read both ways.

import { changeOf, cut, isFinal, propertiesOf } from "./session.js";

const LOAD_TIMEOUT = 15000;
const CONNECT_TIMEOUT = 20000;
// A refusal is documented neither as an exception nor as an event: so long we listen for either before we say that a
// command was handed over. A change of the session's state ends the wait.
const REFUSAL_WINDOW = 500;

const CONNECTION_STATES = ["ACCESS_GRANTED", "ACCESS_DENIED", "CONNECTION_FAILED", "CONNECTION_CLOSED"];
// The states that getActiveSessionsBySessionState can be asked for and in which a session lives.
const LIVE_STATES = [
  "RINGING", "INCALL", "CALLEEONHOLD", "CALLERONHOLD", "ONHOLD", "ONHOLDINACTIVE", "TRANSFERREQUESTED",
  "TRANSFERRING", "TRANSFERFAILED",
];
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

/** A method that was surely not carried out; `kind` as in the session protocol. */
export class Refusal extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** Loads the vendor's script. When the phone system is down it does not come, or comes without OzWebClient. */
export function loadScript(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const late = setTimeout(() => finish(`${url} did not load in ${LOAD_TIMEOUT / 1000} s`), LOAD_TIMEOUT);
    function finish(problem) {
      clearTimeout(late);
      script.onload = script.onerror = null;
      if (problem === undefined) return resolve();
      script.remove();
      reject(new Error(problem));
    }
    script.onload = () => finish(typeof OzWebClient === "undefined" ? `${url} has no OzWebClient` : undefined);
    script.onerror = () => finish(`${url} does not load`);
    script.src = url;
    document.head.append(script);
  });
}

export class Phone {
  #sessions = new Map(); // id -> {id, object, properties}
  #inFlight = new Set(); // commands whose window is open: {id, refuse, done}
  #report;
  #granted = false;
  #told = 0; // changes of sessions, each with its number

  /** `report` hears connection(state, detail), session(event, properties, seq), problem(text). */
  constructor(report) {
    this.#report = report;
  }

  get #helper() {
    return OzWebClient.helper ?? {};
  }

  get canList() {
    return typeof this.#helper.getActiveSessionsBySessionState === "function";
  }

  /** Connects once. A lost connection stays lost: what the script then does with our callbacks is not documented, so
   * the page is loaded anew. */
  connect({ server, token, password }) {
    // its own page has the first name, every example the second
    const subscribe = OzWebClient.onConnectionStateChanged ?? OzWebClient.onConStateChanged;
    if (typeof subscribe !== "function") {
      this.#report.connection("CONNECTION_FAILED", "the script has neither onConnectionStateChanged nor onConStateChanged");
      return;
    }
    const late = setTimeout(() => this.#report.connection("CONNECTION_FAILED", "no answer to connect"), CONNECT_TIMEOUT);
    subscribe.call(OzWebClient, (info) => {
      const state = connectionStateOf(info);
      if (state === undefined) return this.#report.problem("an unknown connection state was reported");
      clearTimeout(late);
      this.#granted = state === "ACCESS_GRANTED";
      this.#report.connection(state, "");
    });
    OzWebClient.onErrorOccured?.((error) => this.#errorOccurred(error));
    if (password) OzWebClient.connect(server, token, { Password: password });
    else OzWebClient.connect(server, token);
    OzWebClient.onSessionCreated((session) => this.#created(session));
    OzWebClient.onSessionClosed?.((session) => this.#closed(session));
  }

  /** The live sessions as far as they can be known, after the change `seq`: {sessions, complete, seq}. */
  async list() {
    const listed = new Set();
    let complete = this.canList && this.#granted;
    if (complete) {
      for (const state of LIVE_STATES) {
        try {
          const found = await this.#helper.getActiveSessionsBySessionState(state);
          for (const key in found ?? {}) {
            const id = this.#seen(found[key]);
            if (id !== undefined) listed.add(id);
          }
        } catch (error) {
          complete = false;
          this.#report.problem(`getActiveSessionsBySessionState(${state}) failed: ${wordsOf(error)}`);
        }
      }
    }
    // a session that we saw in such a state and that the helper does not name: one of us is wrong, so nothing is closed
    for (const [id, { properties }] of this.#sessions) {
      if (LIVE_STATES.includes(lettersOf(properties.sessionState)) && !listed.has(id)) complete = false;
    }
    return { sessions: [...this.#sessions.values()].map(({ properties }) => properties), complete, seq: this.#told };
  }

  /** Calls one of the ten methods, by name. Throws Refusal; otherwise it was handed over. */
  async call(method, params) {
    const names = ARGUMENTS[method];
    const id = params.sessionId;
    if (typeof id !== "string") throw new Refusal("invalid", "sessionId is missing");
    const missing = names.find((name) => typeof params[name] !== "string" || params[name] === "");
    if (missing) throw new Refusal("invalid", `${missing} is missing`);
    if (!this.#granted) throw new Refusal("unavailable", "the web client is not connected to the phone system");
    const entry = this.#sessions.get(id);
    if (!entry) throw new Refusal("notFound", "the web client has no such session");
    if (typeof entry.object[method] !== "function") throw new Refusal("unavailable", `the script has no ${method}()`);
    await this.#observed(id, () => entry.object[method](...names.map((name) => params[name])));
  }

  #observed(id, act) {
    return new Promise((resolve, reject) => {
      const command = { id, done: () => finish(resolve), refuse: (why) => finish(() => reject(refusalFor(why))) };
      const window = setTimeout(command.done, REFUSAL_WINDOW);
      const finish = (settle) => {
        clearTimeout(window);
        this.#inFlight.delete(command);
        settle();
      };
      this.#inFlight.add(command);
      try {
        const answer = act();
        if (typeof answer?.then === "function") answer.then(undefined, command.refuse);
      } catch (error) {
        command.refuse(error);
      }
    });
  }

  #errorOccurred(error) {
    const words = wordsOf(error);
    const named = [...this.#inFlight].filter(({ id }) => words.split(/[^\w-]+/).includes(id));
    const meant = named.length > 0 ? named : [...this.#inFlight];
    if (meant.length === 1) meant[0].refuse(error);
    else this.#report.problem(`the phone system reports an error: ${words}`);
  }

  #created(object) {
    const id = this.#seen(object, undefined, true);
    if (id !== undefined) this.#tell("session.created", this.#sessions.get(id).properties);
  }

  #changed(entry, first, second) {
    const [object, state] = changeOf(first, second);
    const now = this.#sessions.get(entry.id);
    if (now !== undefined && now !== entry) return; // about an earlier session that had this id
    const properties = this.#update(entry, object, state);
    for (const command of this.#inFlight) if (command.id === entry.id) command.done();
    if (isFinal(properties.sessionState)) this.#sessions.delete(entry.id);
    this.#tell("session.stateChanged", properties);
  }

  #closed(object) {
    const given = propertiesOf(object);
    const entry = this.#sessions.get(given.sessionId);
    this.#sessions.delete(given.sessionId);
    for (const command of this.#inFlight) if (command.id === given.sessionId) command.done();
    if (given.sessionId === undefined) return this.#report.problem("onSessionClosed named no session");
    this.#tell("session.closed", { ...entry?.properties, ...given });
  }

  #tell(event, properties) {
    this.#report.session(event, properties, ++this.#told);
  }

  /** Takes note of a session object; the id, or undefined where it has none. */
  #seen(object, state, anew = false) {
    const { sessionId: id } = propertiesOf(object);
    if (id === undefined || typeof object.onSessionStateChanged !== "function") {
      this.#report.problem("a session without an id, or without onSessionStateChanged, was left out");
      return undefined;
    }
    let entry = anew ? undefined : this.#sessions.get(id);
    if (entry === undefined) {
      entry = { id, object, properties: {} };
      this.#sessions.set(id, entry);
      const subscribed = entry;
      object.onSessionStateChanged((first, second) => this.#changed(subscribed, first, second));
    }
    this.#update(entry, object, state);
    return id;
  }

  /** The object given last is the one to read and to call; where it is not refreshed, the callback's state holds. */
  #update(entry, object, state) {
    if (object !== null && typeof object === "object") entry.object = object;
    entry.properties = { ...entry.properties, ...propertiesOf(entry.object), sessionId: entry.id };
    if (state !== null && state !== undefined && typeof state !== "object") entry.properties.sessionState = String(state);
    return entry.properties;
  }
}

function connectionStateOf(info) {
  const value = info !== null && typeof info === "object" ? info.State ?? info.state : info;
  const constants = typeof ConnectionState === "undefined" ? {} : ConnectionState;
  return CONNECTION_STATES.find((name) => value === constants[name] || lettersOf(value) === lettersOf(name));
}

const lettersOf = (text) => String(text ?? "").replace(/[^A-Za-z]/g, "").toUpperCase();

/** The words of an exception or of the error object, whose fields are not documented. */
function wordsOf(error) {
  if (typeof error === "string") return cut(error, 300);
  if (error instanceof Error) return cut(`${error.name}: ${error.message}`, 300);
  return cut(Object.entries(propertiesOf(error)).map(([name, value]) => `${name}: ${value}`).join(", "), 300);
}

function refusalFor(error) {
  const words = wordsOf(error);
  const denied = /privilege|permission|denied|forbidden|not allowed|unauthori[sz]ed|AllowSessionModification/i.test(words);
  return new Refusal(denied ? "denied" : "invalid", words || "the phone system refused without a reason");
}
