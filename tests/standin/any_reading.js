// The vendor's JavaScript API in any reading that its pages leave open. `READING` and `LINK` stand before this text.
// It shares nothing with webphone.js but the names on the vendor's pages; what is said on the link is its own affair.

function anyReading() {
  const r = READING;
  const KEYS = [
    "RINGING", "INCALL", "CALLEEONHOLD", "CALLERONHOLD", "ONHOLD", "ONHOLDINACTIVE", "TRANSFERREQUESTED", "TRANSFERRING",
    "TRANSFERCOMPLETED", "TRANSFERFAILED", "CALLERHUNGUP", "CALLEEHUNGUP", "REDIRECTED", "NOTFOUND", "BUSY", "CANCELLED",
    "NOTANSWERED", "ERROR", "ABORTED",
  ];
  const OLD = { INCALL: "IN_CALL", ONHOLD: "HOLD", CALLEEONHOLD: "HOLD", CALLERONHOLD: "HOLD", ONHOLDINACTIVE: "HOLD" };
  const ENUM = Object.fromEntries(KEYS.map((key, index) => [key, Object.freeze({ name: key, ordinal: index + 3 })]));
  const METHODS = [
    "blindTransfer", "close", "closeWithHangup", "forward", "hangup", "hold", "sendDtmf", "startListen", "stopListen", "unhold",
  ];
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1000;
  const callbacks = {};
  const calls = new Map(); // id -> {data, at, object, listeners}
  let socket, granted = false, connecting = false;

  const stateAs = (value, form) => {
    const key = value.toUpperCase();
    switch (form) {
      case "key": return key;
      case "lower": return value.toLowerCase();
      case "old": return OLD[key] ?? key;
      case "ordinal": case "bare ordinal": return KEYS.indexOf(key) + 3;
      case "ordinal as text": return String(KEYS.indexOf(key) + 3);
      case "enum": return ENUM[key];
      default: return value;
    }
  };
  const durationOf = (call) => {
    const seconds = call.data.age + (performance.now() - call.at) / 1000;
    switch (r.durations) {
      case "seconds": return Math.floor(seconds);
      case "of the moment": return "00:00:00";
      case "constant": return "00:07:00";
      case "clock": return "10:00:00 AM";
      case "none": return "";
      default: return new Date(1000 * seconds).toISOString().slice(11, 19);
    }
  };

  function valuesOf(call) {
    const { id, state, age, key, ...data } = call.data;
    const number = (text) => (r.ids === "number" && /^\d+$/.test(text) ? Number(text) : text);
    return {
      ...data, sessionId: number(id), callee: number(data.callee), sessionState: stateAs(state, r.states),
      stateDuration: durationOf(call), talkDuration: state === "InCall" ? durationOf(call) : durationOf({ data: { age: 0 }, at: performance.now() }),
    };
  }

  function Shown(call) {
    const object = r.props === "getters" ? Object.create(Shown.getters) : Object.create(Shown.prototype);
    Shown.calls.set(object, call);
    const capital = (name) => ({ sessionId: "Id", sessionState: "State" })[name] ?? name[0].toUpperCase() + name.slice(1);
    if (r.props !== "getters") {
      for (const [name, value] of Object.entries(valuesOf(call))) object[r.props === "capital" ? capital(name) : name] = value;
    }
    return r.props === "frozen" ? Object.freeze(object) : object;
  }
  Shown.calls = new WeakMap();
  const idOf = (object) => Shown.calls.get(object).data.id;
  Shown.prototype.onSessionStateChanged = function (callback) {
    const call = Shown.calls.get(this);
    if (r.listeners === "of the object") (Shown.listeners.get(this) ?? Shown.listeners.set(this, []).get(this)).push(callback);
    else call.listeners.push(callback);
    if (r.subscribing === "tells the present") callback(this, stateAs(call.data.state, r.states));
  };
  Shown.listeners = new WeakMap();
  for (const method of METHODS) {
    Shown.prototype[method] = function (...args) {
      socket.send(JSON.stringify({ call: method, id: idOf(this), args: args.map(String) }));
      if (r.answers === "throws after doing it") throw new Error("the reply was lost");
      if (r.answers === "true") return true;
      if (r.answers === "promise") return Promise.resolve({ Success: true });
      return undefined;
    };
  }
  Shown.getters = Object.create(Shown.prototype);
  for (const name of Object.keys(valuesOf({ data: { id: "", state: "", age: 0, callee: "", caller: "", startTime: "", masterSessionId: "", dialedNumber: "" }, at: 0 }))) {
    Object.defineProperty(Shown.getters, name, { get() { return valuesOf(Shown.calls.get(this))[name]; } });
  }
  Object.defineProperty(Shown.getters, "callerCallLegId", { get() { throw new Error("not for this client"); } });

  function objectOf(call) {
    if (call.object === undefined || r.objects === "new") call.object = Shown(call);
    else if (r.objects === "in place" && r.props === undefined) Object.assign(call.object, valuesOf(call));
    return call.object;
  }

  const fire = (event, ...args) => {
    for (const callback of callbacks[event] ?? []) callback(...args);
  };

  function keep(data) {
    const known = calls.get(data.id);
    const call = known ?? { listeners: [] };
    Object.assign(call, { data, at: performance.now() });
    calls.set(data.id, call);
    return call;
  }

  const created = (call) => fire("onSessionCreated", objectOf(call));

  function changed(data) {
    const before = calls.get(data.id);
    const listening = r.listeners === "of the object" ? Shown.listeners.get(before.object) ?? [] : before.listeners;
    const call = keep(data);
    const object = objectOf(call);
    const state = stateAs(data.state, r.states);
    const args = {
      "state, session": [state, object], state: [state], "info": [{ State: state, Session: object }],
      "session, info": [object, { State: state }], session: [object],
    }[r.args] ?? [object, state];
    for (const listener of [...listening]) listener(...args);
  }

  function closed(id) {
    const call = calls.get(id);
    calls.delete(id);
    fire("onSessionClosed", r.closes === "the id" ? id : objectOf(call));
  }

  function ended({ id, state }) {
    const data = { ...calls.get(id).data, state, age: 0 };
    switch (r.ends) {
      case "close alone": return closed(id);
      case "state alone": changed(data); return calls.delete(id);
      case "close before state": {
        const call = calls.get(id);
        closed(id);
        Object.assign(call, { data });
        for (const listener of call.listeners) listener(objectOf(call), stateAs(state, r.states));
        return undefined;
      }
      default: changed(data); return closed(id);
    }
  }

  /** The same call under another id, in the same object. */
  function renamed({ id, data }) {
    const call = calls.get(id);
    calls.delete(id);
    Object.assign(call, { data, at: performance.now() });
    calls.set(data.id, call);
    const object = objectOf(call);
    for (const listener of call.listeners) listener(object, stateAs(data.state, r.states));
  }

  function heard(message) {
    if (message.connection !== undefined) {
      granted = message.connection === "ACCESS_GRANTED";
      const found = () => message.running.forEach((data) => created(keep(data)));
      if (r.announces === "before it grants") found();
      const state = { number: 1 + Object.keys(ConnectionState).indexOf(message.connection), text: message.connection }[r.connection];
      fire(r.event, state ?? { State: ConnectionState[message.connection] });
      message.running.forEach(keep);
      if (r.announces === "at connect") setTimeout(found, 20);
      if (r.announces === "after a second") setTimeout(found, 900);
    }
    if (message.created) created(keep(message.created));
    if (message.changed) changed(message.changed);
    if (message.ended) ended(message.ended);
    if (message.nonsense) fire("onSessionCreated", { Code: 17, Text: "a call" });
    if (message.renamed) renamed(message.renamed);
  }

  function listed(words) {
    if (words === undefined) throw new Error("sessionState is mandatory");
    const late = elapsed() < (r.listFrom ?? 0);
    const found = [...calls.values()].filter(({ data }) => {
      const asked = { key: [data.key], value: [data.state], constant: [CallState[OLD[data.key] ?? data.key]] }[r.listSpelling ?? "key"];
      return asked.includes(words) && !(r.listLacks ?? []).includes(data.state);
    }).slice(0, late ? r.listPart ?? 0 : undefined).map(objectOf);
    if (words === (r.listSpelling === "value" ? "Ringing" : "RINGING")) socket.send(JSON.stringify({ asked: true }));
    switch (r.list) {
      case "array": return found;
      case "Map": return new Map(found.map((object) => [idOf(object), object]));
      case "iterator": return found[Symbol.iterator]();
      case "next": return { at: 0, next() { return this.at < found.length ? { value: found[this.at++], done: false } : { done: true }; } };
      case "length": return Object.assign(Object.create(null), { ...found, length: found.length });
      case "promise": return new Promise((resolve) => setTimeout(() => resolve(found), 100));
      case "null": return found.length > 0 ? found : null;
      default: return Object.fromEntries(found.map((object) => [idOf(object), object]));
    }
  }

  const client = {
    connect(server, token, properties) {
      connecting = true;
      socket = new WebSocket(LINK);
      socket.onopen = () => socket.send(JSON.stringify({ token }));
      socket.onmessage = ({ data }) => heard(JSON.parse(data));
      socket.onclose = () => granted && fire(r.event, { State: ConnectionState.CONNECTION_CLOSED });
      return r.answers === "promise" ? Promise.resolve() : undefined;
    },
  };
  for (const event of [r.event, "onErrorOccured", "onSessionCreated", "onSessionClosed"]) {
    client[event] = (callback) => {
      if (event !== r.event && r.subscribes === "before connect" && connecting) throw new Error("too late");
      if (event !== r.event && r.subscribes === "when granted" && !granted) throw new Error("not connected");
      if (r.subscribes === "one") callbacks[event] = [callback];
      else (callbacks[event] ??= []).push(callback);
    };
  }
  if (r.list !== "none") client.helper = { getActiveSessionsBySessionState: listed };
  if (r.byId) client.helper.getActiveSessionById = (id) => (calls.has(id) && elapsed() >= (r.listFrom ?? 0) ? objectOf(calls.get(id)) : null);
  globalThis.ConnectionState = Object.fromEntries(
    ["ACCESS_GRANTED", "ACCESS_DENIED", "CONNECTION_FAILED", "CONNECTION_CLOSED"].map((name, index) => [name, r.connection === "number" ? index + 1 : name]),
  );
  globalThis.CallState = {
    ordinal: Object.fromEntries(KEYS.map((key, index) => [key, index + 3])), enum: ENUM,
  }[r.states] ?? Object.fromEntries(["RINGING", "NOT_FOUND", "REJECTED", "HOLD", "IN_CALL", "COMPLETED", "BUSY"].map((name) => [name, name]));
  return client;
}

// how a script begins
switch (READING.begins) {
  case "in a frame":
    addEventListener("load", () => document.body.append(Object.assign(document.createElement("iframe"), { src: READING.second })));
    break;
  case "in a plug-in":
    addEventListener("load", () => document.body.append(Object.assign(document.createElement("object"), { data: READING.second })));
    break;
  case "and fails": throw new TypeError("the first line is wrong");
  case "on load": window.addEventListener("load", () => { globalThis.OzWebClient = anyReading(); }); break;
  case "on DOMContentLoaded": document.addEventListener("DOMContentLoaded", () => { globalThis.OzWebClient = anyReading(); }); break;
  case "after a while": setTimeout(() => { globalThis.OzWebClient = anyReading(); }, 700); break;
  case "writes a second script": document.write(`<script src="${READING.second}"></` + "script>"); break;
  case "adds a second script": document.head.append(Object.assign(document.createElement("script"), { src: READING.second })); break;
  default: globalThis.OzWebClient = anyReading();
}
