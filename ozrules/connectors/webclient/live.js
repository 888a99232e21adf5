// One session that lives, as far as the page knows.

import { Durations } from "./durations.js";
import { propertiesOf, rawStateOf, textOf } from "./session.js";
import { isBeginning } from "./states.js";

const DRIFT = 5000; // milliseconds, as in the daemon

/** A session that lives, as far as we know. */
export class Live {
  properties = {};
  subscribed = new Set(); // the objects whose changes we hear
  heardBy = 1; // which of the subscriptions told of the last change
  durations = new Durations();
  namedIn = new Set(); // the states in which the helper has named it
  missing = undefined; // since when the helper no longer names it
  unsure = false; // something happened to it, and its object does not show what

  constructor(id, object) {
    this.id = id;
    this.object = object;
  }

  get state() {
    return this.properties.sessionState;
  }

  /** The object given last is the one to read and to call; where it is not refreshed, the callback's state holds. */
  update(object, state) {
    if (object !== undefined) this.object = object;
    this.properties = { ...this.properties, ...propertiesOf(this.object), sessionId: this.id };
    if (state !== undefined) this.properties.sessionState = state;
    this.durations.read(this.properties, performance.now() / 1000);
  }

  /** As it is told when it begins. */
  get begun() {
    return Durations.ofABeginning(this.properties);
  }

  /** As it is told when it changes: how long its new state lasts needs no saying. */
  get changed() {
    const { stateDuration, talkDuration, ...rest } = this.properties;
    return rest;
  }

  /** As it is told in a list. A state that nobody can read is told as what it is. */
  get listed() {
    const sessionState = this.state ?? `other:${textOf(rawStateOf(this.object)) ?? "unknown"}`;
    return { ...this.durations.believed(this.properties), sessionState };
  }
}

/** Whether two starts, as they were told, are of one call: no page says that a start is kept, and not reckoned anew. */
export function sameStart(one, other) {
  return one === other || Math.abs(momentOf(one) - momentOf(other)) <= DRIFT;
}

/** Milliseconds; NaN where it cannot be read. Of a number, and of .NET's /Date(number)/, only differences count. */
function momentOf(text) {
  const number = /^\D{0,6}(\d{10,13})\b/.exec(text ?? "");
  return number === null ? Date.parse(text) : Number(number[1].padEnd(13, "0"));
}

/** Whether an object that bears a known id stands for another call. */
export function isAnother(live, object) {
  const { startTime, sessionState } = propertiesOf(object);
  const mine = live.properties.startTime;
  if (mine !== undefined && startTime !== undefined) return !sameStart(mine, startTime);
  return startTime === undefined && isBeginning(sessionState) && !isBeginning(live.state);
}
