// The page: joins the phone system and the daemon, and starts over by loading itself anew.
//
// It is given its settings by the process that started the browser, over the browser's remote control: `ozrulesHost` is
// that process's ear, `ozrules.start` its mouth. The token and the password stay in this module, in no address and in
// no storage.

import { Bridge } from "./bridge.js";
import { Phone, Refusal, loadScript } from "./phone.js";

const STEADY = 30000; // a connection that held so long was a good one
// The vendor pushes other lists to the client after connecting, so the helper may not know the sessions at once: an empty
// list given too early would close them all.
const FILLING = 500;
const FAILURES = "failures"; // how often in a row, across reloads; the only thing that is stored

let bridge, phone;
let connection; // {state, detail}; undefined until there is something to say
let over = false;

function status() {
  return { bridge: bridge?.isOpen ?? false, connection: connection?.state, sessions: phone?.sessionCount ?? 0 };
}

const tell = (message) => globalThis.ozrulesHost?.(JSON.stringify(message));

function start(settings) {
  if (phone) return;
  const secrets = [settings.token, settings.password, settings.bridge.token].filter(Boolean);
  const clean = (text) => secrets.reduce((left, secret) => left.replaceAll(secret, "***"), String(text));
  const told = new Set();
  const problem = (text) => {
    const cleaned = clean(text).slice(0, 300);
    if (told.has(cleaned) || told.size >= 100) return;
    told.add(cleaned);
    tell({ kind: "problem", text: cleaned });
  };
  document.addEventListener("securitypolicyviolation", (event) =>
    problem(`the page's security policy stopped ${event.effectiveDirective} ${event.blockedURI}`));

  let filled = false;
  const list = async () => {
    if (filled && connection.state === "ACCESS_GRANTED") bridge.snapshot(await phone.list());
  };

  function connected(state, detail) {
    if (over) return;
    connection = { state, detail: clean(detail) };
    tell({ kind: "connection", ...connection });
    bridge?.notify("gateway.connection", connection);
    if (state === "ACCESS_GRANTED") {
      setTimeout(() => sessionStorage.removeItem(FAILURES), STEADY);
      setTimeout(() => {
        filled = true;
        list();
      }, FILLING);
    } else {
      over = true;
      setTimeout(() => location.reload(), delay(state));
    }
  }

  phone = new Phone({
    connection: connected,
    session: (event, session) => bridge?.notify(event, { session, at: new Date().toISOString() }),
    problem,
  });

  const answer = async (method, params) => {
    if (method === "sessions.list") {
      if (!filled || connection.state !== "ACCESS_GRANTED") throw new Refusal("unavailable", "the web client is not connected");
      return phone.list();
    }
    if (!METHODS.has(method)) return undefined;
    try {
      await phone.call(method.slice("session.".length), params);
    } catch (error) {
      throw new Refusal(error.kind ?? "unavailable", clean(error.message));
    }
    return {};
  };

  const opened = () => {
    bridge.notify("gateway.hello", {
      protocol: 1,
      name: "ozrules-webclient",
      version: settings.version,
      privileges: null, // nothing documented says what a token may do
      snapshot: typeof OzWebClient === "undefined" || phone.canList,
    });
    if (connection) bridge.notify("gateway.connection", connection);
    list();
  };

  const load = async () => {
    for (let failures = 0; ; failures++) {
      try {
        return await loadScript(settings.script);
      } catch (error) {
        connection = { state: "CONNECTION_FAILED", detail: clean(error.message) };
        tell({ kind: "connection", ...connection });
        bridge ??= new Bridge(settings.bridge, { opened, answer });
        bridge.notify("gateway.connection", connection);
        await new Promise((resolve) => setTimeout(resolve, backoff(failures)));
      }
    }
  };

  load().then(() => {
    // the hello says whether the script can list sessions, so the link to the daemon waits for the script
    bridge ??= new Bridge(settings.bridge, { opened, answer });
    try {
      phone.connect(settings);
    } catch (error) {
      connected("CONNECTION_FAILED", `${error.name}: ${error.message}`);
    }
  });
}

const METHODS = new Set(
  ["blindTransfer", "close", "closeWithHangup", "forward", "hangup", "hold", "sendDtmf", "startListen", "stopListen", "unhold"]
    .map((name) => `session.${name}`),
);

function backoff(failures) {
  return Math.min(30000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}

function delay(state) {
  if (state === "ACCESS_DENIED") return 30000 + 30000 * Math.random(); // never so fast that an account gets locked
  const failures = Number(sessionStorage.getItem(FAILURES)) || 0;
  sessionStorage.setItem(FAILURES, String(failures + 1));
  return backoff(failures);
}

globalThis.ozrules = { start, status };
tell({ kind: "ready" });
