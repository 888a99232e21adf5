// The first list after connecting.
//
// The vendor pushes its lists to a client after it has connected, and no page says when: the helper may be empty at
// first, or know some sessions and not yet the others. So it is asked several times. The first list that is told makes
// the connection ready, and closes nothing. A list may close what it does not name only when it has stayed the same.
// And until the first list, calls that the phone system announces are those that ran already: found, not begun.

// Between 3 and 10 s it is asked often, as a timer that is due then may be late by 5 s and no more.
const ASKED = [0, 1100, 3000, 4500, 6000, 8000, 10000]; // milliseconds after connecting; a second apart at least, so that
// durations are seen to go on
const LAST = ASKED.length - 1;
const AGAIN = 5000; // after the last of them, until two in a row agree

/** Asks until the list is settled. `before` are the ids that lived before a reload, where that is known; `over()` ends
 * it. `tell(complete)` has the list told. */
export async function settle(phone, before, over, tell) {
  const begun = performance.now();
  let last, isFirst = true;
  for (let turn = 0; ; turn++) {
    const due = ASKED[turn] ?? ASKED[LAST] + AGAIN * (turn - LAST);
    await new Promise((resolve) => setTimeout(resolve, begun + due - performance.now()));
    if (over()) return;
    const asked = await phone.ask(before);
    if (over()) return;
    const same = asked !== null && asked.ids === last;
    last = asked?.ids;
    // all that lived are still there: nothing is left that could be closed too early
    const allThere = before !== undefined && before.every((id) => phone.ids.includes(id));
    if ((same && (turn >= LAST || (turn >= 2 && allThere))) || (asked === null && turn >= 2)) phone.settling = false;
    if (isFirst && (turn >= 2 || (turn >= 1 && phone.ids.length > 0))) {
      isFirst = false;
      phone.announcing = false;
    }
    const complete = asked?.whole === true && !phone.settling;
    if (!isFirst && (complete || !same || turn <= LAST)) tell(complete);
    // where a session that we know is not named, one of us is wrong: the helper is asked until it is clear who
    if (!phone.settling && (asked === null || complete)) return;
  }
}
