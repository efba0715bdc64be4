// Says why the page cannot train where its modules are not loaded.
"use strict";
(() => {
  const say = (text) => { document.getElementById("status").textContent = text; };
  if (location.protocol === "file:") {
    say("Browsers do not let a page that is opened as a file train: serve its folder, such as by python3 -m http.server, and open that address.");
  } else if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly, which the page needs.");
  }
})();
