// Keeps the page of a run that is going on up to date. The server sends the whole page, or elements of it, each of which takes the place of
// the one with the same id. What is the same stays as it is, and with it where the reader is, what is open and what is selected.
"use strict";
(() => {
  // Elements that wait until nothing in them is selected.
  const waiting = new Map();

  function parse(html) {
    return new DOMParser().parseFromString(html, "text/html");
  }

  function isSelected(element) {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
  }

  // Makes the node `from` of the page the same as `to`.
  function change(from, to) {
    if (from.isEqualNode(to)) return;
    if (from.nodeType !== to.nodeType || from.nodeName !== to.nodeName || from.id !== to.id) {
      from.replaceWith(to);
    } else if (from.nodeType === Node.ELEMENT_NODE) {
      changeAttributes(from, to);
      changeChildren(from, to);
    } else if (from.nodeValue !== to.nodeValue) {
      from.nodeValue = to.nodeValue;
    }
  }

  function changeAttributes(from, to) {
    for (const { name, value } of [...to.attributes]) {
      if (from.getAttribute(name) !== value) from.setAttribute(name, value);
    }
    for (const { name } of [...from.attributes]) {
      // What the reader has opened stays open.
      if (!to.hasAttribute(name) && name !== "open") from.removeAttribute(name);
    }
  }

  function changeChildren(from, to) {
    const withId = new Map([...from.children].filter((child) => child.id).map((child) => [child.id, child]));
    let next = from.firstChild;
    for (const child of [...to.childNodes]) {
      let same = child.id ? withId.get(child.id) : next;
      if (same && !child.id && (same.id || same.nodeName !== child.nodeName)) same = null;
      if (!same) {
        from.insertBefore(child, next);
        continue;
      }
      // One that is moved loses the focus, so those before it go.
      while (next && next !== same && !next.id) next = remove(next);
      if (next === same) next = next.nextSibling;
      else from.insertBefore(same, next);
      change(same, child);
    }
    while (next) next = remove(next);
  }

  function remove(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  function show(id, html) {
    const element = document.getElementById(id);
    if (element === null) return;
    if (isSelected(element)) {
      waiting.set(id, html);
      return;
    }
    waiting.delete(id);
    const changed = parse(html).getElementById(id);
    if (changed !== null) change(element, changed);
  }

  document.addEventListener("selectionchange", () => {
    for (const [id, html] of [...waiting]) show(id, html);
  });

  function say(status, detail) {
    const line = document.querySelector("#state p");
    if (line === null) return;
    line.querySelector("[role=status]").textContent = status;
    const span = line.querySelector("span") ?? line.appendChild(document.createElement("span"));
    span.textContent = ": " + detail;
  }

  const events = new EventSource("/events");
  events.addEventListener("page", (event) => {
    waiting.clear();
    changeChildren(document.body, parse(JSON.parse(event.data)).body);
  });
  events.addEventListener("part", (event) => show(...JSON.parse(event.data)));
  // The run is over; the page stays.
  events.addEventListener("end", () => events.close());
  events.addEventListener("error", () => {
    const isRefused = events.readyState === EventSource.CLOSED;
    say("no answer", isRefused ? "load the page again to see how the run goes on" : "the run may have been killed; the page is as it was then");
  });
})();
