// The phone system, through the documented calls of the vendor's JavaScript API and nothing else.
//
// What the documentation leaves open is not decided here: what one reading would lose, is read both ways. What cannot
// be read is never passed over in silence: it is a gap (`gap`), after which the list is told anew.

import { Commands, Refusal, checkArguments } from "./commands.js";
import { Helper } from "./helper.js";
import { Live, isAnother, sameStart } from "./live.js";
import { argumentsOf, idOf, propertiesOf, rawStateOf, textOf, wordsOf } from "./session.js";
import { connectionStateOf, isBeginning, isFinal, isMovedOn, learn, lettersOf } from "./states.js";

const CONNECT_TIMEOUT = 20000;
// A close may come just before the final state that says who ended the call.
const LAST_WORD = 300;
// A session that the helper has named before in its state and names no longer is gone after so long.
const MISSING = 2500;
// The helper may be filled late, and a command come before it: so long its session is looked for, within the 5 s in
// which the daemon wants an answer.
const LOOKED_FOR = 3500;
// So long after connecting, a call that is announced and does not begin is one that ran before.
const ANNOUNCED = 10000;
const MOST_SUBSCRIBED = 20; // objects of one session
const MOST_ENDED = 10000;
const wait = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Phone {
  /** While the phone system may still announce the calls that ran before us: what comes then is found, not begun. */
  announcing = true;
  /** While the helper may still be filling: then it is no proof that a session has ended. */
  settling = true;

  #sessions = new Map(); // id -> Live
  #ended = new Map(); // id -> what was last known
  #closing = new Map(); // id -> {timer, properties}: closed, and perhaps its final state follows
  #commands = new Commands();
  #helper;
  #report;
  #granted = false;
  #grantedAt = 0;
  #told = 0; // changes of sessions, each with its number

  /** `report` hears connection(state, detail), session(event, properties, seq), gap(why), found(), problem(text). */
  constructor(report) {
    this.#report = report;
    this.#helper = new Helper(report.problem);
  }

  get canList() {
    return this.#helper.canList;
  }

  get ids() {
    return [...this.#sessions.keys()];
  }

  /** Connects once. A lost connection stays lost: what the script then does with our callbacks is not documented, so
   * the page is loaded anew. */
  connect({ server, token, password }) {
    // its own page has the first name, every example the second
    const name = ["onConnectionStateChanged", "onConStateChanged"].find((each) => typeof OzWebClient[each] === "function");
    if (name === undefined) {
      this.#report.connection("CONNECTION_FAILED", "the script has neither onConnectionStateChanged nor onConStateChanged");
      return;
    }
    const late = setTimeout(() => this.#report.connection("CONNECTION_FAILED", "no answer to connect"), CONNECT_TIMEOUT);
    let last;
    const connection = (...args) => {
      const state = args.map(connectionStateOf).find(Boolean);
      if (state === undefined) return this.#report.problem(`an unknown connection state was reported: ${wordsOf(...args)}`);
      if (state === last) return; // heard twice, as it is subscribed to twice
      last = state;
      clearTimeout(late);
      this.#granted = state === "ACCESS_GRANTED";
      if (this.#granted) {
        this.#grantedAt = performance.now();
        subscribe();
        for (const [event, why] of failed) this.#report.problem(`${event} failed: ${why}`);
        if (!("onSessionCreated" in OzWebClient)) this.#report.problem("the script has no onSessionCreated");
      }
      this.#report.connection(state, "");
    };
    const callbacks = {
      [name]: connection,
      onErrorOccured: (...errors) => {
        if (!this.#commands.refusedBy(errors)) this.#report.problem(`the phone system reports an error: ${wordsOf(...errors)}`);
      },
      onSessionCreated: (...args) => this.#created(args),
      onSessionClosed: (...args) => this.#closed(args),
    };
    // the vendor's examples subscribe before connecting, after it, or when access is granted; an echo is taken once
    const heard = new Set(), failed = new Map(); // events that are subscribed to, and why others are not
    const subscribe = () => {
      for (const [event, callback] of Object.entries(callbacks)) {
        try {
          OzWebClient[event]?.(callback);
          heard.add(event);
          failed.delete(event);
        } catch (error) {
          if (!heard.has(event)) failed.set(event, wordsOf(error));
        }
      }
    };
    subscribe();
    const answer = OzWebClient.connect(server, token, ...(password ? [{ Password: password }] : []));
    answer?.then?.(undefined, (error) => this.#report.problem(`connect failed: ${wordsOf(error)}`));
    subscribe();
  }

  /** Asks the helper, and takes in what it says: the ids that it named, or null where it could not be asked. `before`
   * are ids that were live before the page was loaded anew. */
  async ask(before = []) {
    if (!this.canList || !this.#granted) return null;
    const { named, failed } = await this.#helper.ask();
    for (const [id, { object, states }] of named) this.#named(id, object, states);
    for (const id of before) {
      if (!named.has(id) && !this.#sessions.has(id) && !this.#ended.has(id)) this.#found(await this.#helper.byId(id));
    }
    let unnamed = false;
    for (const [id, live] of [...this.#sessions]) {
      if (named.has(id)) {
        live.missing = undefined;
        continue;
      }
      if (idOf(live.object) !== id) {
        this.#renamed(live, live.object);
        continue;
      }
      const object = await this.#helper.byId(id);
      if (this.#sessions.get(id) !== live) continue; // it has ended meanwhile
      if (isFinal(propertiesOf(object).sessionState)) this.#refreshed(live, object);
      else if (object) live.missing = undefined;
      else unnamed = !this.#hasGone(live) || unnamed;
    }
    return { ids: [...named.keys()].sort().join("\n"), whole: !failed && !unnamed };
  }

  /** The live sessions as far as they can be known, after the change `seq`: {sessions, complete, seq}. */
  async list() {
    const asked = await this.ask();
    return this.listed(asked?.whole === true && !this.settling);
  }

  listed(complete) {
    for (const live of this.#sessions.values()) live.update(undefined, live.state);
    return { sessions: [...this.#sessions.values()].map(({ listed }) => listed), complete, seq: this.#told };
  }

  /** Calls one of the ten methods, by name. Throws Refusal; otherwise it was handed over. */
  async call(method, params) {
    checkArguments(method, params);
    const id = params.sessionId;
    if (!this.#granted) throw new Refusal("unavailable", "the web client is not connected to the phone system");
    const live = this.#sessions.get(id) ?? (await this.#look(id));
    if (idOf(live.object) !== id) {
      this.#report.gap("a session bears another id now");
      throw new Refusal("notFound", "the session's object stands for another session now");
    }
    if (isFinal(propertiesOf(live.object).sessionState)) throw new Refusal("notFound", "the session has ended");
    await this.#commands.call(id, live.object, method, params);
  }

  async #look(id) {
    const until = performance.now() + LOOKED_FOR;
    while (!this.#ended.has(id)) {
      this.#found(await this.#helper.byId(id));
      if (!this.#sessions.has(id) && this.settling) await this.ask();
      if (this.#sessions.has(id)) return this.#sessions.get(id);
      if (!this.settling) break;
      if (performance.now() > until) throw new Refusal("unavailable", "the phone system's list does not show the session yet");
      await wait(250);
    }
    throw new Refusal("notFound", "the web client has no such session");
  }

  // --- what is told ---------------------------------------------------------------------------------------------------

  #created(args) {
    const { object, id, state } = argumentsOf(args);
    if (object === undefined) return this.#report.gap("onSessionCreated named no session");
    const known = this.#sessions.get(id);
    if (known !== undefined && !isAnother(known, object)) return this.#refreshed(known, object, state);
    this.#ended.delete(id);
    const live = this.#note(id, object, state);
    if (live.state === undefined) return this.#puzzle(live, () => this.#begun(live));
    this.#begun(live);
  }

  #begun(live) {
    if (isFinal(live.state)) this.#over(live);
    if (this.announcing) return; // it stands in the first list
    // announced late, and by its own account under way: whether it is older than the link by its start, the daemon sees
    const found = !isBeginning(live.state) && performance.now() - this.#grantedAt < ANNOUNCED;
    if (found) this.#report.found();
    else this.#tell("session.created", live.begun);
  }

  #changed(live, args, subscription) {
    const { object, id, state, raw } = argumentsOf(args);
    if (id !== undefined && id !== live.id) {
      const other = this.#sessions.get(id);
      if (other !== undefined) return this.#refreshed(other, object, state);
      if (object !== undefined) return this.#renamed(live, object, state);
      return this.#report.gap("a change was told of a session that nobody knows");
    }
    const now = this.#sessions.get(live.id);
    if (now === undefined) return this.#afterTheEnd(live, object, state);
    if (now !== live) return; // about an earlier session that had this id
    if (state === undefined && raw !== undefined) {
      live.unsure = true;
      live.update(object, live.state);
      return this.#puzzle(live, () => this.#tell("session.stateChanged", live.changed));
    }
    this.#refreshed(live, object, state, subscription);
  }

  /** The script tells the present state to who subscribes: that is no change. */
  #replayed(live, args) {
    const { id = live.id, state } = argumentsOf(args);
    if (id === live.id) live.update(undefined, state ?? live.state);
  }

  /** A session's state cannot be read: the helper may know it. Then `solved()`; else it is a gap. */
  async #puzzle(live, solved) {
    const before = live.state;
    await this.ask();
    if (this.#sessions.get(live.id) !== live) return;
    if (live.state !== undefined && live.state !== before) return solved();
    this.#report.gap(`a session's state could not be read: ${wordsOf(rawStateOf(live.object))}`);
  }

  /** A session that we know is shown anew: told, unless that is the echo of another of our subscriptions. */
  #refreshed(live, object, state, subscription) {
    const before = JSON.stringify(live.changed);
    live.update(object, state);
    this.#hear(live, object);
    this.#commands.changed(live.id);
    if (live.state === undefined) return this.#puzzle(live, () => this.#tell("session.stateChanged", live.changed));
    if (JSON.stringify(live.changed) === before) {
      if (subscription === undefined || live.heardBy !== subscription) return;
      // where no state is told beside an object that is not refreshed, something has happened that it does not show
      if (state === undefined) {
        live.unsure = true;
        this.#report.found();
      }
    } else {
      live.unsure = false;
    }
    live.heardBy = subscription;
    if (isFinal(live.state)) this.#over(live);
    this.#tell("session.stateChanged", live.changed);
  }

  /** A change of a session that is over: its final state after its close, or a call that goes on under the same id. */
  #afterTheEnd(live, object, given) {
    if (object !== undefined) live.object = object;
    const state = given ?? propertiesOf(live.object).sessionState;
    const closing = this.#closing.get(live.id);
    if (state === undefined) return;
    if (isFinal(state)) {
      if (closing !== undefined) this.#close(live.id, state);
      return;
    }
    if (!isMovedOn(this.#ended.get(live.id)?.sessionState)) return;
    this.#ended.delete(live.id);
    live.update(object, state);
    this.#sessions.set(live.id, live);
    this.#report.gap("a session that had ended goes on");
  }

  /** The object of one session now bears the id of another: the call goes on as that one. */
  #renamed(live, object, state) {
    this.#over(live, true);
    this.#commands.changed(live.id);
    this.#tell("session.closed", live.changed);
    if (idOf(object) !== undefined) this.#created(state === undefined ? [object] : [object, state]);
    else this.#report.gap("a session has lost its id");
  }

  #closed(args) {
    const { object, id = textOf(args[0]), state } = argumentsOf(args);
    const live = this.#sessions.get(id);
    if (live === undefined) return this.#closedAfterTheEnd(id, object);
    const given = state ?? propertiesOf(object).sessionState;
    live.update(object, isFinal(given) ? given : live.state);
    this.#over(live, true);
    this.#commands.changed(id);
    if (isFinal(live.state)) return this.#tell("session.closed", live.changed);
    const timer = setTimeout(() => this.#close(id), LAST_WORD);
    this.#closing.set(id, { timer, properties: live.changed });
  }

  /** Closed after its final state, or without ever having been known here; told once. */
  #closedAfterTheEnd(id, object) {
    if (id === undefined) return this.#report.gap("onSessionClosed named no session");
    const { isClosed, ...known } = this.#ended.get(id) ?? {};
    if (isClosed) return;
    this.#keepEnded(id, { ...known, isClosed: true });
    this.#tell("session.closed", { sessionState: "other:closed", ...propertiesOf(object), ...known, sessionId: id });
  }

  #close(id, state) {
    const { timer, properties } = this.#closing.get(id);
    clearTimeout(timer);
    this.#closing.delete(id);
    if (state !== undefined) this.#tell("session.stateChanged", { ...properties, sessionState: state });
    this.#tell("session.closed", state === undefined ? properties : { ...properties, sessionState: state });
  }

  #tell(event, properties) {
    this.#report.session(event, properties, ++this.#told);
  }

  // --- what is known --------------------------------------------------------------------------------------------------

  #note(id, object, state) {
    if (this.#closing.has(id)) this.#close(id);
    const live = new Live(id, object);
    this.#sessions.set(id, live);
    live.update(object, state);
    this.#hear(live, object);
    return live;
  }

  #hear(live, object = live.object) {
    if (live.subscribed.has(object) || live.subscribed.size >= MOST_SUBSCRIBED) return;
    live.subscribed.add(object);
    try {
      const subscription = live.subscribed.size;
      let subscribed = false;
      object.onSessionStateChanged((...args) => {
        if (subscribed) this.#changed(live, args, subscription);
        else this.#replayed(live, args);
      });
      subscribed = true;
    } catch (error) {
      this.#report.problem(`the changes of a session cannot be heard: ${wordsOf(error)}`);
    }
  }

  #over(live, isClosed = false) {
    this.#sessions.delete(live.id);
    const { sessionState, startTime } = live.properties;
    this.#keepEnded(live.id, { sessionId: live.id, sessionState, startTime, isClosed });
  }

  #keepEnded(id, known) {
    this.#ended.delete(id);
    this.#ended.set(id, known);
    if (this.#ended.size > MOST_ENDED) this.#ended.delete(this.#ended.keys().next().value);
  }

  /** Takes in a session that the helper gave, where we do not have it. */
  #found(object) {
    const id = idOf(object);
    if (id === undefined || this.#sessions.has(id) || isFinal(propertiesOf(object).sessionState)) return;
    const ended = this.#ended.get(id);
    // the helper may name a session for a while after its end
    if (ended !== undefined && sameStart(ended.startTime, propertiesOf(object).startTime)) return;
    this.#ended.delete(id);
    this.#note(id, object);
  }

  /** Takes in what the helper named, under which states. */
  #named(id, object, states) {
    this.#found(object);
    const live = this.#sessions.get(id);
    if (live === undefined) return;
    const own = propertiesOf(object).sessionState;
    // the older name stands for all four holds; and a helper that names a session in several states looks at none
    const precise = [...states].filter((each) => each !== "Hold" || states.size === 1);
    const asked = precise.length === 1 ? precise[0] : undefined;
    const same = (one, other) => one !== undefined && other !== undefined && lettersOf(one) === lettersOf(other);
    const before = live.state;
    if (asked !== undefined && own === undefined) learn(rawStateOf(object), asked);
    // What a callback told holds where the helper or its object says so too. Where they do not, but say the same, or
    // where something happened that no callback told, they hold.
    const told = before === undefined || live.unsure ? undefined : before;
    const agreed = [own, asked].some((each) => same(each, told));
    const held = lettersOf(asked) === "HOLD" && /HOLD/.test(lettersOf(own ?? told));
    let state = told ?? own ?? asked;
    if (told !== undefined && !agreed && !held && same(own, asked)) state = own;
    if (live.unsure && asked !== undefined && !held) state = asked;
    live.unsure = false;
    live.update(object, state);
    live.namedIn.add(lettersOf(live.state));
    this.#hear(live);
  }

  /** Whether the helper has surely ceased to name a session that it had named in this state. */
  #hasGone(live) {
    if (!live.namedIn.has(lettersOf(live.state)) || this.settling) return false;
    live.missing ??= performance.now();
    if (performance.now() - live.missing < MISSING) {
      setTimeout(() => this.#report.found(), MISSING);
      return false;
    }
    this.#over(live);
    return true;
  }
}
