// Stands before the phone system's script, and does not wait for it: a page whose script hangs must still answer.

{
  const failed = []; // addresses of scripts that do not load, which nobody is told again
  addEventListener("error", ({ target }) => {
    if (target instanceof HTMLScriptElement) failed.push(target.src);
  }, true);
  globalThis.ozrulesFailed = failed;
  import("./page.js");
}
