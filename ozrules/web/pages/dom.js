// Builds the page's elements. Text becomes text, never markup: there is no other way in here, and the policy that the
// page is served under forbids the browser any other.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (`onclick`), properties (`value`) and children; null children are left out. */
export function el(tag, given = {}, ...children) {
  return fill(document.createElement(tag), given, children);
}

/** The same for a picture's elements. */
export function svg(tag, given = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), given, children);
}

function fill(element, given, children) {
  for (const [name, value] of Object.entries(given)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  add(element, children);
  return element;
}

function add(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) add(element, child);
    else if (child !== null && child !== undefined && child !== false) {
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
}

/** Puts these in place of all that is inside. */
export function put(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/** Sets a text only where it is another one. */
export function say(element, text) {
  if (element.firstChild?.nodeValue !== text || element.childNodes.length !== 1) element.textContent = text;
}

/** Sets an attribute only where it is another one. */
export function mark(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\u206a-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]/g;
const MOST = 256;

/** A text that a caller chose, made safe to show: one line, nothing invisible, nothing that turns the direction. */
export function shown(text) {
  const cut = String(text).slice(0, MOST);
  const safe = cut.replace(HIDDEN, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return cut.length < String(text).length ? `${safe}…` : safe;
}

/** Such a text on its own: what is written right to left stays inside. */
export function foreign(text, given = {}) {
  return el("bdi", given, shown(text));
}

/** Asks the daemon. Throws an Error with a text for people; `status` is the answer's. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== "" && value !== null));
  const answer = await fetch(`${path}${query.size ? `?${query}` : ""}`, { headers: { Accept: "application/json" } });
  if (answer.ok) return answer.json();
  let text = `The daemon answered ${answer.status}.`;
  try {
    text = (await answer.json()).error;
  } catch {
    // it was no JSON: the number must do
  }
  throw Object.assign(new Error(text), { status: answer.status });
}

/** What is shown while an answer is awaited, and where none came. */
export function waiting(text = "Loading…") {
  return el("p", { class: "empty", role: "status" }, text);
}

export function failed(error) {
  return el("p", { class: "empty bad", role: "alert" }, error.message);
}
