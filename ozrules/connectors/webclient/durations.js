// Which of the durations that a session shows count on.
//
// The vendor calls them strings and says no more: they may stand still for as long as a state lasts, be the text of the
// moment when it began, or mean nothing. One that stands still would say at each new link that the state has only just
// begun. So a duration is told only where it was seen to go on, as fast as time does.

const LEAST = 1.0; // seconds between two readings that show it: some durations are whole seconds
const TOLERANCE = 1.6; // seconds; a whole second is cut off at either end

const JUST_BEGUN = 2; // seconds

const TIME_SPAN = /^(?:(\d{1,8})[.:](?=\d{1,2}:\d{1,2}:))?(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,9})?)$/;
const ISO = /^P(?:(\d{1,8})D)?(?:T(?:(\d{1,8})H)?(?:(\d{1,8})M)?(?:(\d{1,8}(?:[.,]\d{1,9})?)S)?)?$/i;
const PLAIN = /^\d{1,10}(?:[.,]\d{1,9})?$/;

/** A duration in seconds, in the forms that the daemon reads too; undefined where it is none of them. */
export function secondsFrom(text) {
  const trimmed = String(text ?? "").trim();
  if (PLAIN.test(trimmed)) return Number(trimmed.replace(",", "."));
  const found = TIME_SPAN.exec(trimmed) ?? (trimmed.length > 2 ? ISO.exec(trimmed) : null);
  if (found === null) return undefined;
  const [days, hours, minutes, seconds] = found.slice(1).map((part) => Number((part ?? "0").replace(",", ".")));
  return days * 86400 + hours * 3600 + minutes * 60 + seconds;
}

export class Durations {
  #readings = {}; // name -> {state, value, at, moves}

  /** Looks at a session's properties, at the moment `at` in seconds. */
  read(properties, at) {
    for (const name of ["stateDuration", "talkDuration"]) {
      const value = secondsFrom(properties[name]);
      const state = properties.sessionState;
      const before = this.#readings[name];
      if (value === undefined) {
        delete this.#readings[name];
      } else if (before === undefined || before.state !== state) {
        this.#readings[name] = { state, value, at, moves: false };
      } else if (at - before.at >= LEAST) {
        const moved = value - before.value;
        const moves = moved > 0 && Math.abs(moved - (at - before.at)) <= TOLERANCE;
        this.#readings[name] = { state, value, at, moves };
      }
    }
  }

  /** The properties of a session that begins now, without the durations that say something else. */
  static ofABeginning(properties) {
    const told = { ...properties };
    for (const name of ["stateDuration", "talkDuration"]) if (!(secondsFrom(told[name]) <= JUST_BEGUN)) delete told[name];
    return told;
  }

  /** The properties, without the durations that were not seen to go on. */
  believed(properties) {
    const told = { ...properties };
    for (const name of ["stateDuration", "talkDuration"]) if (!this.#readings[name]?.moves) delete told[name];
    return told;
  }
}
