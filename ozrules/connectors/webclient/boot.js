// Stands before the phone system's script, and does not wait for it: a page whose script hangs must still answer. What
// goes wrong before the page listens is kept for it.

{
  const heard = [];
  const hear = (event) => heard.push(event);
  addEventListener("error", hear, true);
  document.addEventListener("securitypolicyviolation", hear);
  globalThis.ozrulesBoot = {
    /** `listener` hears the errors and the violations of the page's policy, those before as well. */
    listen(listener) {
      removeEventListener("error", hear, true);
      document.removeEventListener("securitypolicyviolation", hear);
      addEventListener("error", listener, true);
      document.addEventListener("securitypolicyviolation", listener);
      heard.forEach(listener);
    },
  };
  import("./page.js");
}
