// The gateway's side of the session protocol: JSON-RPC 2.0 over one WebSocket to the daemon, reopened when it closes.

const LONGEST = 256 * 1024; // bytes of a frame
const PART = 192 * 1024; // bytes of sessions that are put in one frame
const MOST_UNSENT = 8 * 1024 * 1024; // beyond this the daemon does not read: give up the link, and list anew
const CODES = { denied: -32001, invalid: -32002, notFound: -32003, wrongState: -32004, unavailable: -32005 };

const sizeOf = (value) => new TextEncoder().encode(JSON.stringify(value)).length;

export class Bridge {
  #socket;
  #failures = 0;
  #settings;
  #opened;
  #answer;

  /** `opened()` when the link is there; `answer(method, params)` resolves to a result or throws a Refusal. */
  constructor({ url, token }, { opened, answer }) {
    this.#settings = { url, token };
    this.#opened = opened;
    this.#answer = answer;
    this.#open();
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Says it if the link is there. What is lost while it is not, the list of sessions after it makes good. */
  notify(method, params) {
    this.#send({ jsonrpc: "2.0", method, params });
  }

  /** The list of sessions, in as many frames as it takes; `answers` is the request that it answers, if any. */
  snapshot({ sessions, ...about }, answers) {
    const parts = partsOf(sessions);
    if (parts.length === 1) return this.notify("sessions.snapshot", { sessions, ...about, answers });
    parts.forEach((part, index) =>
      this.notify("sessions.snapshot", { sessions: part, ...about, answers, part: index + 1, last: index === parts.length - 1 }));
  }

  #open() {
    const socket = new WebSocket(this.#settings.url, ["ozrules.v1", `bearer.${this.#settings.token}`]);
    this.#socket = socket;
    socket.onopen = () => {
      this.#failures = 0;
      this.#opened();
    };
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = () => {
      const wait = Math.min(30000, 250 * 2 ** this.#failures++) * (0.5 + Math.random() / 2);
      setTimeout(() => this.#open(), wait);
    };
  }

  async #received(data) {
    let message;
    try {
      if (typeof data !== "string" || data.length > LONGEST) throw new Error("not a text frame of that size");
      message = JSON.parse(data);
      if (message === null || typeof message !== "object" || typeof message.method !== "string") throw new Error("no method");
    } catch {
      this.#send({ jsonrpc: "2.0", id: message?.id ?? null, error: { code: -32600, message: "not a request" } });
      return;
    }
    const { id, method, params } = message;
    const reply = { jsonrpc: "2.0", id };
    try {
      reply.result = await this.#answer(method, params ?? {});
      if (reply.result === undefined) {
        delete reply.result;
        reply.error = { code: -32601, message: "there is no such method" };
      } else if (reply.result.sessions && sizeOf(reply.result.sessions) > PART) {
        // too long for one frame: it follows in parts
        this.snapshot(reply.result, id);
        reply.result = { sessions: [], complete: false };
      }
    } catch (error) {
      const kind = error.kind ?? "unavailable";
      reply.error = { code: CODES[kind], message: String(error.message), data: { kind } };
    }
    if (id !== undefined) this.#send(reply);
  }

  #send(message) {
    if (!this.isOpen) return;
    if (this.#socket.bufferedAmount > MOST_UNSENT) return this.#socket.close();
    this.#socket.send(JSON.stringify(message));
  }
}

function partsOf(sessions) {
  const parts = [[]];
  let size = 0;
  for (const session of sessions) {
    const length = sizeOf(session) + 1;
    if (size + length > PART && parts.at(-1).length > 0) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1).push(session);
    size += length;
  }
  return parts;
}
