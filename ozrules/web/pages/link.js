// The live link to the daemon: one WebSocket for the whole page, and what it has told so far. When it breaks, it comes
// back by itself, soon at first and then less often, and begins anew with all sessions.

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 10_000;
const KEPT = 500;

class Link extends EventTarget {
  sessions = new Map();
  records = [];
  standing = null;
  state = "connecting";
  #socket = null;
  #pause = FIRST_PAUSE;
  #timer = 0;
  #now = Date.now() / 1000;
  #at = performance.now();
  #pace = 1;
  #offset = 0;
  #fresh = null;
  #seen = 0;

  /** The daemon's wall clock, seconds since 1970, carried on since it was last heard. */
  now() {
    return this.#now + ((performance.now() - this.#at) / 1000) * this.#pace;
  }

  /** What the daemon's clock on the wall shows at a moment, seconds since 1970. */
  clock(at) {
    return new Date((at + this.#offset) * 1000).toISOString().slice(11, 19);
  }

  date(at) {
    return new Date((at + this.#offset) * 1000).toISOString().slice(0, 19).replace("T", " ");
  }

  get pace() {
    return this.#pace;
  }

  open() {
    clearTimeout(this.#timer);
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live`);
    this.#socket = socket;
    socket.onmessage = (event) => this.#take(JSON.parse(event.data));
    socket.onclose = () => {
      if (this.#socket !== socket) return;
      this.#turn("lost");
      this.#timer = setTimeout(() => this.#again(), this.#pause);
      this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
    };
  }

  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Records from the store, older than those that came live. */
  remember(records) {
    const known = new Set(this.records.map((record) => record.seq));
    this.records = [...this.records, ...records.filter((record) => !known.has(record.seq))];
    this.records.sort((one, other) => other.seq - one.seq);
    this.records.length = Math.min(this.records.length, KEPT);
    this.#seen = Math.max(this.#seen, this.records[0]?.seq ?? 0);
  }

  async #again() {
    // a login that has ended looks like a broken link; only asking tells
    try {
      const answer = await fetch("/api/status");
      if (answer.status === 401) {
        this.#turn("out");
        return;
      }
    } catch {
      // the daemon is away: try again
    }
    this.open();
  }

  #turn(state) {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }

  #take(message) {
    if (message.now !== undefined) {
      this.#now = message.now;
      this.#at = performance.now();
    }
    switch (message.type) {
      case "hello":
        this.#pace = message.pace;
        this.#offset = message.utcOffset;
        this.#pause = FIRST_PAUSE;
        this.#fresh = new Map();
        this.standing = message;
        this.#turn("live");
        this.dispatchEvent(new Event("standing"));
        this.dispatchEvent(new Event("again"));
        break;
      case "sessions": {
        const into = this.#fresh ?? this.sessions;
        for (const key of message.gone) into.delete(key);
        for (const session of message.sessions) into.set(session.key, session);
        if (this.#fresh === null) {
          const keys = [...message.gone, ...message.sessions.map((session) => session.key)];
          this.dispatchEvent(new CustomEvent("sessions", { detail: keys }));
        }
        break;
      }
      case "all":
        this.sessions = this.#fresh ?? this.sessions;
        this.#fresh = null;
        this.dispatchEvent(new CustomEvent("sessions", { detail: null }));
        break;
      case "records": {
        const fresh = message.records.filter((record) => record.seq > this.#seen && record.type !== "event");
        if (fresh.length) {
          this.#seen = fresh.at(-1).seq;
          this.records.unshift(...fresh.toReversed());
          this.records.length = Math.min(this.records.length, KEPT);
        }
        this.dispatchEvent(new CustomEvent("records", { detail: { fresh, skipped: message.skipped } }));
        break;
      }
      case "standing":
        this.standing = message;
        this.dispatchEvent(new Event("standing"));
        break;
    }
  }
}

export const link = new Link();
