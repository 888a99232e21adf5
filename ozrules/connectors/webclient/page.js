// The page: joins the phone system and the daemon, and starts over by loading itself anew.
//
// It is given its settings by the process that started the browser, over the browser's remote control: `ozrulesHost` is
// that process's ear, `ozrules.start` its mouth. The token and the password stay in this module, in no address and in
// no storage.

import { Bridge } from "./bridge.js";
import { Phone, Refusal, loadScript } from "./phone.js";
import { cut } from "./session.js";

const STEADY = 30000; // a connection that held so long was a good one
// The vendor pushes other lists to the client after connecting, so the helper may not know the sessions at once: an empty
// list given too early would close them all.
const FILLING = 500;
const FAILURES = "failures"; // how often in a row, across reloads; the only thing that is stored

let bridge, phone;
let connection; // {state, detail} of the phone system; undefined until the first try has ended
let over = false;

const tell = (message) => globalThis.ozrulesHost?.(JSON.stringify(message));

function start(settings) {
  if (phone) return;
  const secrets = [settings.token, settings.password, settings.bridge.token]
    .filter(Boolean)
    .flatMap((secret) => [secret, encodeURIComponent(secret)]);
  const clean = (text) => secrets.reduce((left, secret) => left.replaceAll(secret, "***"), String(text));
  const told = new Set();
  const problem = (text) => {
    const cleaned = cut(clean(text), 300);
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

  // the hello says whether sessions can be listed, so the link to the daemon waits until the first try has ended
  function announce() {
    tell({ kind: "connection", ...connection });
    if (bridge) bridge.notify("gateway.connection", connection);
    else bridge = new Bridge(settings.bridge, { opened, answer });
  }

  function connected(state, detail) {
    if (over) return;
    connection = { state, detail: clean(detail) };
    announce();
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
    session: (event, session, seq) => bridge?.notify(event, { session, seq }),
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
      snapshot: connection.state !== "ACCESS_GRANTED" || phone.canList,
    });
    bridge.notify("gateway.connection", connection);
    list();
  };

  const load = async () => {
    for (let failures = 0; ; failures++) {
      try {
        return await loadScript(settings.script);
      } catch (error) {
        connection = { state: "CONNECTION_FAILED", detail: clean(error.message) };
        announce();
        await new Promise((resolve) => setTimeout(resolve, backoff(failures)));
      }
    }
  };

  load().then(() => {
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

globalThis.ozrules = { start };
tell({ kind: "ready" });
