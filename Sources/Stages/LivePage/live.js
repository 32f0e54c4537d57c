// The live page: shows what /events tells each second. Whatever comes from outside becomes text, never markup.
"use strict";

const shownAtMost = 200;
const secondsOfGraph = 15 * 60;
const silence = 2500;
const levels = ["trace", "debug", "info", "notice", "warning", "error", "critical"];

const part = (id) => document.getElementById(id);
const body = (id) => part(id).tBodies[0];

let before = null;
let history = [];
let source = null;
let watchdog = 0;

// How numbers are written.

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) { count /= 1024; unit += 1; }
  return `${unit === 0 ? Math.round(count) : count.toFixed(count < 10 ? 1 : 0)} ${units[unit]}`;
}

function span(seconds) {
  if (seconds < 60) { return `${Math.floor(seconds)} s`; }
  if (seconds < 3600) { return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`; }
  if (seconds < 86400) { return `${Math.floor(seconds / 3600)} h ${Math.floor(seconds / 60) % 60} min`; }
  return `${Math.floor(seconds / 86400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

function time(seconds) {
  if (seconds < 0.001) { return `${Math.round(seconds * 1e6)} µs`; }
  if (seconds < 1) { return `${(seconds * 1000).toFixed(seconds < 0.01 ? 1 : 0)} ms`; }
  return `${seconds.toFixed(1)} s`;
}

const rate = (count) => count === 0 ? "0" : count < 10 ? count.toFixed(1) : String(Math.round(count));
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ") + " UTC";

// Tables: a row is kept as long as what it shows is there, so that neither focus nor selection is lost.

function fill(table, rows, empty, cells) {
  const rest = new Map(Array.from(table.rows, (row) => [row.dataset.key, row]));
  let place = null;
  for (const item of rows.length > 0 ? rows : [null]) {
    const key = item === null ? "" : String(item.key);
    let row = rest.get(key);
    rest.delete(key);
    if (row === undefined) {
      row = document.createElement("tr");
      row.dataset.key = key;
      if (item === null) { row.className = "empty"; }
      const made = item === null ? [["td", ""]] : cells;
      for (const [kind, look] of made) {
        const cell = document.createElement(kind);
        if (kind === "th") { cell.scope = "row"; }
        cell.className = look;
        row.append(cell);
      }
      if (item === null) { row.cells[0].colSpan = 99; }
    }
    const next = place === null ? table.firstChild : place.nextSibling;
    if (next !== row) { table.insertBefore(row, next); }
    place = row;
    write(row, item === null ? [empty] : item.texts, item);
  }
  for (const row of rest.values()) { row.remove(); }
}

function write(row, texts, item) {
  texts.forEach((text, index) => {
    const cell = row.cells[index];
    if (cell.textContent !== text) { cell.textContent = text; }
  });
  if (item === null) { return; }
  (item.bad ?? []).forEach((isBad, index) => row.cells[index].classList.toggle("bad", isBad === true));
  if (item.end !== undefined && row.lastChild.firstChild === null) { row.lastChild.append(button(item.end)); }
}

function button({ label, path }) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = "End";
  made.setAttribute("aria-label", label);
  made.addEventListener("click", () => operate("DELETE", path, label));
  return made;
}

// What is shown.

function show(report) {
  const seconds = before === null ? 0 : Math.max(1, report.now - before.now);
  const since = (now, then) => seconds === 0 || then === undefined ? 0 : Math.max(0, now - then) / seconds;
  state(report);
  part("version").textContent = report.version;
  part("uptime").textContent = span(report.now - report.started);
  part("memory").textContent = bytes(report.memory);
  part("cpu").textContent = seconds === 0 ? "–" : `${Math.round(since(report.cpu, before.cpu) * 100)} %`;
  part("generation").textContent = report.generation ?? "–";
  part("open").textContent = report.totals.open;
  pipeline(report, since);
  graphs(report);
  sessions(report);
  exchanges(report);
  certificates(report);
  program(report);
  before = report;
}

function state(report) {
  const text = report.phase !== "running" ? `It is ${report.phase}` : report.ready ? "Ready" : "Not ready";
  say(report.ready ? "ready" : "problem", text);
  const problems = report.problems.slice();
  if (report.reload?.result === "refused") { problems.push(`The last reload was refused: ${report.reload.message ?? ""}`); }
  part("problems").hidden = problems.length === 0;
  const list = part("problem-list");
  if (list.dataset.shown !== problems.join("\n")) {
    list.dataset.shown = problems.join("\n");
    list.replaceChildren(...problems.map((problem) => {
      const item = document.createElement("li");
      item.textContent = problem;
      return item;
    }));
  }
}

function say(kind, text) {
  const shown = part("state");
  shown.dataset.state = kind;
  if (shown.textContent !== text) { shown.textContent = text; }
}

function pipeline(report, since) {
  const earlier = new Map((before?.stages ?? []).map((stage) => [stage.place, stage]));
  const rows = report.stages.map((stage) => {
    const then = earlier.get(stage.place);
    const timed = stage.timed - (then?.timed ?? 0);
    const entered = stage.in > 0 ? stage.in : stage.connections;
    const enteredThen = then === undefined ? undefined : then.in > 0 ? then.in : then.connections;
    const details = Object.entries(stage.state).map(([name, value]) => `${name}: ${value}`).join(", ");
    return {
      key: stage.place,
      texts: [
        `${stage.place} ${stage.name}`, rate(since(entered, enteredThen)), String(stage.open + stage["connections-open"]),
        String(stage.refused), String(stage.failed), timed > 0 && then !== undefined ? time((stage.time - then.time) / timed) : "–",
        `${bytes(since(stage.received, then?.received))}/s`, `${bytes(since(stage.sent, then?.sent))}/s`,
        stage.problem ?? details,
      ],
      bad: [false, false, false, false, false, false, false, false, stage.problem !== undefined],
    };
  });
  fill(body("pipeline"), rows, "No stage runs.", [
    ["th", ""], ["td", "number"], ["td", "number"], ["td", "number"], ["td", "number"], ["td", "number"], ["td", "number"],
    ["td", "number"], ["td", "long"],
  ]);
}

function graphs(report) {
  if (report.history !== undefined) { history = report.history.slice(); }
  const { begun, failed, received, sent, open } = report.totals;
  history.push([report.now, begun, failed, received, sent, open]);
  history = history.filter(([when]) => when > report.now - secondsOfGraph);
  const pairs = [];
  for (let index = 1; index < history.length; index += 1) {
    const [then, now] = [history[index - 1], history[index]];
    const length = Math.max(1, now[0] - then[0]);
    pairs.push([now[0], (now[1] - then[1]) / length, (now[2] - then[2]) / length, (now[3] + now[4] - then[3] - then[4]) / length, now[5]]);
  }
  const last = pairs.length > 0 ? pairs[pairs.length - 1] : [0, 0, 0, 0, open];
  part("rate").textContent = rate(last[1]);
  part("failures").textContent = rate(last[2]);
  part("bytes").textContent = bytes(last[3]);
  part("open-now").textContent = String(open);
  ["graph-rate", "graph-failures", "graph-bytes", "graph-open"].forEach((id, index) => {
    draw(part(id), pairs.map((pair) => [pair[0], Math.max(0, pair[index + 1])]), report.now);
  });
}

function draw(svg, points, now) {
  const most = Math.max(1, ...points.map(([, value]) => value));
  const path = points.map(([when, value], index) => {
    const x = 900 - (now - when) * 900 / secondsOfGraph;
    return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${(96 - value * 90 / most).toFixed(1)}`;
  }).join("");
  svg.firstElementChild.setAttribute("d", path);
}

function sessions(report) {
  const rows = report.sessions.map((session) => ({
    key: session.number,
    texts: [
      session.peer, session.remote, session.codec, span(report.now - session.since), String(session.streams),
      session["round-trip-microseconds"] === undefined ? "–" : time(session["round-trip-microseconds"] / 1e6),
      session.received === undefined ? "–" : bytes(session.received), session.sent === undefined ? "–" : bytes(session.sent),
      session["certificate-end"] === undefined ? "–" : day(session["certificate-end"]),
    ],
    end: { label: `End the session with ${session.peer} at ${session.remote}`, path: `sessions/${session.number}` },
  }));
  fill(body("sessions"), rows, "There is none.", [
    ["th", ""], ["td", ""], ["td", ""], ["td", "number"], ["td", "number"], ["td", "number"], ["td", "number"], ["td", "number"],
    ["td", ""], ["td", ""],
  ]);
}

function exchanges(report) {
  const { open, exchanges } = report.exchanges;
  const rows = exchanges.map((exchange) => ({
    key: exchange.id,
    texts: [
      exchange.target, exchange.client === "-" ? exchange.remote : `${exchange.client}, ${exchange.remote}`, exchange.method,
      exchange.stage ?? "–", String(exchange.status ?? "–"), span(exchange["age-milliseconds"] / 1000), bytes(exchange.received),
      bytes(exchange.sent),
    ],
    end: { label: `End the exchange with ${exchange.target}`, path: `exchanges/${exchange.id}` },
  }));
  part("shown").textContent = `${rows.length} of ${open} shown`;
  fill(body("exchanges"), rows, open === 0 ? "None is open." : "None of those that are open has that in it.", [
    ["th", ""], ["td", ""], ["td", ""], ["td", ""], ["td", "number"], ["td", "number"], ["td", "number"], ["td", "number"], ["td", ""],
  ]);
}

function certificates(report) {
  const rows = report.certificates.map((certificate) => ({
    key: certificate.stage,
    texts: [certificate.stage, certificate.subject, certificate.names.join(", "), day(certificate.end)],
    bad: [false, false, false, certificate.end < report.now + 14 * 86400],
  }));
  fill(body("certificates"), rows, "There is none.", [["th", ""], ["td", "long"], ["td", "long"], ["td", ""]]);
}

function program(report) {
  part("program").hidden = report.generations === undefined;
  if (report.generations === undefined) { return; }
  const level = part("level");
  if (document.activeElement !== level) { level.value = report["log-level"]; }
  const rows = report.generations.map((generation) => ({
    key: generation.number,
    texts: [
      String(generation.number), span(report.now - generation.since), generation.draining ? "finishes what is open" : "takes what comes",
      generation.configuration,
    ],
  }));
  fill(body("generations"), rows, "None runs.", [["th", ""], ["td", ""], ["td", ""], ["td", "long"]]);
}

// What changes something. A foreign site can't send the field.

async function operate(method, path, what, text) {
  const done = part("done");
  try {
    const response = await fetch(path, { method, body: text, headers: { "Fluidity-Operator": "page" } });
    const answer = (await response.text()).trim();
    let words = answer;
    try { words = JSON.parse(answer).reload?.message ?? JSON.parse(answer).reload?.result ?? "done"; } catch { /* It is a sentence. */ }
    done.textContent = `${what}: ${words}`;
  } catch {
    done.textContent = `${what}: the program can't be reached`;
  }
}

// From where it comes.

function listen() {
  source?.close();
  const search = part("search").value.trim();
  source = new EventSource(`events?limit=${shownAtMost}${search === "" ? "" : `&search=${encodeURIComponent(search)}`}`);
  source.addEventListener("message", (event) => {
    alive();
    show(JSON.parse(event.data));
  });
  source.addEventListener("error", () => {
    lost();
    // A browser gives up where the answer was no stream; the program may be another one soon.
    if (source.readyState === EventSource.CLOSED) { setTimeout(listen, 2000); }
  });
}

function alive() {
  clearTimeout(watchdog);
  watchdog = setTimeout(lost, silence);
}

function lost() {
  clearTimeout(watchdog);
  say("lost", "The program can't be reached");
}

let typing = 0;
part("search").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(listen, 250);
});
part("find").addEventListener("submit", (event) => event.preventDefault());
for (const name of levels) {
  const choice = document.createElement("option");
  choice.value = choice.textContent = name;
  part("level").append(choice);
}
part("level").addEventListener("change", (event) => {
  operate("PUT", "log-level", "Log level", event.target.value);
  event.target.blur();
});
part("reload").addEventListener("click", () => operate("POST", "reload", "Reload"));
listen();
