// The documented JavaScript API of the phone system, for tests: OzWebClient, ConnectionState, CallState, Session.
// `STANDIN` (link, options) stands before this text. What is said on the link is the stand-in's own affair.

(() => {
  const { link, options } = STANDIN;

  const METHODS = [
    "blindTransfer", "close", "closeWithHangup", "forward", "hangup", "hold", "sendDtmf", "startListen", "stopListen", "unhold",
  ];
  const UNPRIVILEGED = ["startListen", "stopListen"];
  const NEEDED = { blindTransfer: 2, forward: 1, sendDtmf: 2 };
  // the second spelling of the vendor's pages; other names only get a capital letter
  const PASCAL = { sessionId: "Id", sessionState: "State" };

  const callbacks = {};
  const sessions = new Map(); // id -> {data, object, listeners}
  let socket, mayModify = false;

  const spelled = (name) => (options.propertyCase === "pascal" ? PASCAL[name] ?? name[0].toUpperCase() + name.slice(1) : name);

  class Session {
    constructor(data) {
      show(this, data);
    }

    onSessionStateChanged(callback) {
      sessions.get(idOf(this)).listeners.push(callback);
    }
  }
  for (const method of METHODS) {
    Session.prototype[method] = function (...args) {
      const id = idOf(this);
      const data = sessions.get(id)?.data ?? {};
      const missing = args.slice(0, NEEDED[method] ?? 0).filter((arg) => arg !== undefined && arg !== "").length < (NEEDED[method] ?? 0);
      const party = { blindTransfer: args[0], sendDtmf: args[1] }[method];
      const stranger = party !== undefined && party !== data.caller && party !== data.callee;
      const denied = !mayModify && !UNPRIVILEGED.includes(method);
      const refused = denied ? "denied" : missing || stranger ? "invalid" : null;
      socket.send(JSON.stringify({ method, sessionId: id, args, refused }));
      if (missing || stranger) throw new Error(`${method}: phoneNumber is missing, or transferor is neither caller nor callee`);
      if (!denied || options.refusal === "silence") return;
      if (options.refusal === "exception") throw new Error(`${method}: the client has not the required privilege`);
      setTimeout(() => fire("onErrorOccured", { Type: "Privilege", Message: `${method}: permission denied` }), 5);
    };
  }

  function idOf(session) {
    return session.sessionId ?? session.Id;
  }

  function show(session, data) {
    for (const [name, value] of Object.entries(data)) {
      if (name === "key") continue; // ours: the state as the helper is asked for it
      // the capital names are getters that no for-in shows, the others plain fields
      const enumerable = options.propertyCase !== "pascal";
      Object.defineProperty(session, spelled(name), { get: () => value, configurable: true, enumerable });
    }
  }

  function objectFor(data) {
    const record = sessions.get(data.sessionId) ?? { listeners: [] };
    if (record.object === undefined || options.refresh === "newObject") record.object = new Session(data);
    else if (options.refresh === "inPlace") show(record.object, data);
    record.data = data;
    sessions.set(data.sessionId, record);
    return record.object;
  }

  function fire(event, ...args) {
    for (const callback of callbacks[event] ?? []) callback(...args);
  }

  function created(data) {
    sessions.delete(data.sessionId);
    const object = objectFor(data);
    fire("onSessionCreated", object);
  }

  function changed(data) {
    const object = objectFor(data);
    const args = [object, data.sessionState];
    if (options.callbackOrder === "stateFirst") args.reverse();
    for (const listener of sessions.get(data.sessionId).listeners) listener(...args);
  }

  function closed(data) {
    const object = objectFor(data);
    sessions.delete(data.sessionId);
    fire("onSessionClosed", object);
  }

  function received(message) {
    switch (message.event) {
      case "connection":
        mayModify = message.mayModify;
        fire(options.connectionEvent, { State: ConnectionState[message.state] });
        // not at once: the client's lists are pushed to it after it has connected
        setTimeout(() => message.running.forEach(options.deliversRunning ? created : objectFor), 50);
        break;
      case "created": return created(message.session);
      case "changed": return changed(message.session);
      case "closed": return closed(message.session);
      case "error": return fire("onErrorOccured", message.error);
    }
  }

  const connection = {
    connect(server, token, properties) {
      socket = new WebSocket(link);
      let granted = false;
      socket.onopen = () => socket.send(JSON.stringify({ connect: { server, token, properties: properties ?? {} } }));
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data);
        granted ||= message.state === "ACCESS_GRANTED";
        received(message);
      };
      socket.onclose = () => {
        if (granted) fire(options.connectionEvent, { State: ConnectionState.CONNECTION_CLOSED });
      };
    },
    disconnect: () => socket.close(),
  };

  const helper = {
    getActiveSessionById: (id) => sessions.get(id)?.object ?? null,
    getActiveSessionsBySessionState(state) {
      if (state === undefined) throw new Error("sessionState is mandatory");
      const wanted = state === CallState.IN_CALL ? "INCALL" : state;
      const found = [...sessions].filter(([, { data }]) => data.key === wanted);
      return Object.fromEntries(found.map(([id, { object }]) => [id, object]));
    },
  };
  const HELPER_MEMBERS = [
    "getExtensionById", "getExtensions", "getActiveCallsOfExtension", "getActiveCallsOfUser", "getCallHistoryOfExtension",
    "getExtensionsByType", "getOutsideLineById", "getOutsideLines", "getOutsideLinesByType", "getUserByExtension", "getUserById",
  ];
  for (const name of HELPER_MEMBERS) helper[name] = () => null;

  const client = { ...connection, createCall: () => ({}), checkWebPhoneState: () => null, getCallHistory: () => null };
  const EVENTS = [
    options.connectionEvent, "onErrorOccured", "onClientStateChanged", "onIncomingCall", "onSessionCreated",
    "onSessionClosed", "onCallHistoryInfoReceived", "onUserInfoReceived",
  ];
  for (const event of EVENTS) client[event] = (callback) => (callbacks[event] ??= []).push(callback);
  if (options.helper) client.helper = helper;

  const asked = ["helper", "onConStateChanged", "onConnectionStateChanged"];
  const watched = new Proxy(client, {
    get(target, name) {
      if (!(name in target) && !asked.includes(name)) fetch(`${link.replace("ws", "http")}/undocumented/${String(name)}`);
      return target[name];
    },
  });

  globalThis.ConnectionState = Object.fromEntries(
    ["ACCESS_GRANTED", "ACCESS_DENIED", "CONNECTION_FAILED", "CONNECTION_CLOSED"].map((name) => [name, name]),
  );
  globalThis.CallState = Object.fromEntries(
    ["RINGING", "NOT_FOUND", "REJECTED", "HOLD", "IN_CALL", "COMPLETED", "BUSY"].map((name) => [name, name]),
  );
  globalThis.OzWebClient = watched;
})();
