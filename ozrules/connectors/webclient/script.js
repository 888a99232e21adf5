// The phone system's script. It stands in the page as the vendor's examples have it, so that it may begin on the page's
// load, write further scripts into the page, or define OzWebClient only later.

const PATIENCE = 15000;
const EVERY = 50;

/** Returns when the script can be used. Throws an Error that says what is missing. `failed` grows by the addresses of
 * scripts that do not load. */
export async function scriptReady(url, failed) {
  const late = performance.now() + PATIENCE;
  while (!isThere()) {
    if (failed.includes(document.querySelector("#phone-system").src)) throw new Error(`${url} does not load`);
    if (performance.now() > late) throw new Error(whatIsMissing(url, failed));
    await new Promise((resolve) => setTimeout(resolve, EVERY));
  }
}

/** Whether the script loads now. It has run then, too late for this page: the page is to be loaded anew. */
export function loads(url) {
  const script = document.createElement("script");
  const loaded = new Promise((resolve) => {
    script.onload = () => resolve(true);
    script.onerror = () => resolve(false);
    setTimeout(() => resolve(false), PATIENCE);
  });
  script.src = url;
  document.head.append(script);
  return loaded.finally(() => script.remove());
}

const isThere = () => typeof OzWebClient !== "undefined" && typeof OzWebClient?.connect === "function";

function whatIsMissing(url, failed) {
  if (failed.length > 0) return `${url} needs ${failed.at(-1)}, which does not load`;
  if (document.readyState === "loading") return `${url} did not load in ${PATIENCE / 1000} s`;
  return `${url} has no OzWebClient`;
}
