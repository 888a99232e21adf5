// The page: joins the phone system and the daemon, and starts over by loading itself anew.
//
// It is given its settings by the process that started the browser, over the browser's remote control: `ozrulesHost` is
// that process's ear, `ozrules.start` its mouth. The token and the password stay in this module, in no address and in
// no storage.

import { Bridge } from "./bridge.js";
import { METHODS, Refusal } from "./commands.js";
import { Phone } from "./phone.js";
import { loads, scriptReady } from "./script.js";
import { cut, wordsOf } from "./session.js";
import { settle } from "./settling.js";

const STEADY = 30000; // a connection that held so long was a good one
const TOGETHER = 50; // what is found within so long goes into one list
const APART = 1000; // gaps come no faster, whatever the script does
// Stored across reloads: how often it failed in a row, and the ids of the sessions that lived.
const FAILURES = "failures";
const LIVE = "live";
const DENIED = "the token is wrong or has run out; make a new one: a {file: PATH} is read again at each try";

let phone;

const tell = (message) => globalThis.ozrulesHost?.(JSON.stringify(message));

function start(settings) {
  if (phone) return;
  let bridge;
  let connection; // {state, detail} of the phone system; undefined until the first try has ended
  let over = false;
  let listed = false; // whether the daemon has been told a list since we are connected
  let listIsThere;
  const firstList = new Promise((resolve) => {
    listIsThere = resolve;
  });
  let planned = false; // a list is about to be told
  let gap = false; // and something may have been missed before it
  let lastGap = -APART;
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
  const failed = [];
  globalThis.ozrulesBoot.listen((event) => {
    if (event instanceof SecurityPolicyViolationEvent) problem(whatWasStopped(event));
    else if (event instanceof ErrorEvent) problem(`a script of the phone system failed: ${event.message}`);
    else if (event.target instanceof HTMLScriptElement) failed.push(event.target.src);
  });

  // the hello comes with how the connection stands, so the link to the daemon waits until the first try has ended
  function announce() {
    tell({ kind: "connection", ...connection });
    if (bridge) bridge.notify("gateway.connection", connection);
    else bridge = new Bridge(settings.bridge, { opened, answer });
  }

  function connected(state, detail) {
    if (over) return;
    connection = { state, detail: clean(detail || (state === "ACCESS_DENIED" ? DENIED : "")) };
    announce();
    if (state === "ACCESS_GRANTED") {
      setTimeout(() => sessionStorage.removeItem(FAILURES), STEADY);
      settle(phone, lived(), () => over, (complete) => {
        listed = true;
        bridge.snapshot(phone.listed(complete));
        listIsThere();
      });
    } else {
      over = true;
      setTimeout(() => location.reload(), delay(state));
    }
  }

  const list = async () => {
    planned = false;
    if (!listed || over) return;
    if (gap) bridge.notify("gateway.connection", connection);
    gap = false;
    bridge.snapshot(await phone.list());
  };

  const planList = (soon = TOGETHER) => {
    if (planned || !listed) return;
    planned = true;
    setTimeout(list, soon);
  };

  phone = new Phone({
    connection: connected,
    session: (event, session, seq) => bridge?.notify(event, { session, seq }),
    problem,
    found: () => planList(),
    // what could not be read may have been anything: as after a lost link, the list says how things stand
    gap(why) {
      problem(why);
      if (gap || !listed || over) return;
      gap = true;
      bridge.notify("gateway.connection", { state: "CONNECTION_CLOSED", detail: clean(why) });
      planList(Math.max(TOGETHER, lastGap + APART - performance.now()));
      lastGap = performance.now();
    },
  });
  addEventListener("pagehide", () => {
    if (listed) sessionStorage.setItem(LIVE, JSON.stringify(phone.ids));
  });

  const answer = async (method, params) => {
    if (method === "sessions.list") {
      if (connection.state === "ACCESS_GRANTED") await firstList;
      if (!listed || over) throw new Refusal("unavailable", "the web client is not connected");
      return phone.list();
    }
    const name = method.replace(/^session\./, "");
    if (method === name || !METHODS.has(name)) return undefined;
    try {
      await phone.call(name, params);
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
    });
    if (gap) planned = false; // it stands in the first list of this link
    gap = false;
    bridge.notify("gateway.connection", connection);
    list();
  };

  const load = async () => {
    try {
      await scriptReady(settings.script, failed);
    } catch (error) {
      connection = { state: "CONNECTION_FAILED", detail: clean(error.message) };
      announce();
      // the daemon keeps its link to this page until there is something to load anew for
      do await new Promise((resolve) => setTimeout(resolve, delay(connection.state)));
      while (!(await loads(settings.script)));
      location.reload();
      return;
    }
    try {
      phone.connect(settings);
    } catch (error) {
      connected("CONNECTION_FAILED", wordsOf(error));
    }
  };
  load();
}

/** The ids of the sessions that lived before the page was loaded anew; undefined where nobody knows. */
function lived() {
  const stored = sessionStorage.getItem(LIVE);
  return stored === null ? undefined : JSON.parse(stored);
}

function whatWasStopped({ effectiveDirective: directive, blockedURI: what }) {
  if (directive === "frame-src") return `the script wants a frame (${what}): that cannot work in this page`;
  if (directive === "object-src") return `the script wants a plug-in (${what}): that cannot work in this page`;
  return `the page's security policy stopped ${directive} ${what}`;
}

function delay(state) {
  if (state === "ACCESS_DENIED") return 30000 + 30000 * Math.random(); // never so fast that an account gets locked
  const failures = Number(sessionStorage.getItem(FAILURES)) || 0;
  sessionStorage.setItem(FAILURES, String(failures + 1));
  return Math.min(30000, 500 * 2 ** failures) * (0.5 + Math.random() / 2);
}

globalThis.ozrules = { start };
tell({ kind: "ready" });
