/* The status page: asks /status/live every two seconds and shows what it says.
 * No library; texts that strangers wrote are only ever set as text. */
"use strict";

const POLL_MS = 2000;
const HOUR_MS = 3600000;
const KEY = "elektrine-key";
const $ = (id) => document.getElementById(id);
const state = { samples: [], timer: 0, last: null };

/* --- texts --------------------------------------------------------------- */

const plain = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

function number(value) {
  return plain.format(value);
}

function brief(value) {
  return value >= 1000 ? plain.format(value) : short.format(value);
}

function bytes(value) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${brief(value)} ${units[unit]}`;
}

function span(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129600) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

function ago(time) {
  return `${span(Math.max(0, (Date.now() - Date.parse(time)) / 1000))} ago`;
}

function clock(time) {
  return new Date(time).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
}

/* Makes an element; strings among the children are text. */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function say(id, text) {
  if ($(id).textContent !== text) $(id).textContent = text;
}

/* --- asking -------------------------------------------------------------- */

async function ask(path, method = "GET", key = sessionStorage.getItem(KEY)) {
  const headers = { Accept: "application/json" };
  if (key) headers["X-API-Key"] = key;
  const answer = await fetch(path, { method, headers, cache: "no-store" });
  const body = await answer.json().catch(() => ({}));
  if (answer.ok) return body;
  throw Object.assign(new Error(body.error || `HTTP ${answer.status}`), { status: answer.status });
}

function lock(message) {
  $("main").hidden = true;
  $("gate").hidden = false;
  say("gate-error", message);
  say("verdict", "Locked");
  $("verdict").className = "pill";
  $("key").focus();
}

function trouble(message) {
  $("trouble").hidden = !message;
  say("trouble", message || "");
}

async function poll() {
  clearTimeout(state.timer);
  if (document.hidden) return;
  const since = state.samples.length ? state.samples[state.samples.length - 1].at : 0;
  try {
    const live = await ask(`status/live?since=${since}`);
    trouble("");
    $("gate").hidden = true;
    $("main").hidden = false;
    show(live);
  } catch (problem) {
    if (problem.status === 401) {
      const tried = sessionStorage.getItem(KEY);
      sessionStorage.removeItem(KEY);
      lock(tried ? "This is not the key." : "");
      return;
    }
    trouble(`The server does not answer: ${problem.message}. Trying again.`);
    verdict("bad", "No answer");
  }
  state.timer = setTimeout(poll, POLL_MS);
}

/* --- showing ------------------------------------------------------------- */

function verdict(kind, text) {
  $("verdict").className = `pill ${kind}`;
  say("verdict", text);
  document.title = `${text} · Mail queue`;
}

function judge(live) {
  const webhook = live.circuits.find((circuit) => circuit.lane === "webhook");
  if (!live.ok) return ["bad", "No mail is taken: the disk failed"];
  if (live.disk.free_bytes < live.disk.min_free_bytes) return ["bad", "No room on the disk"];
  if (live.queue.waiting > 0 && live.agents === 0) return ["bad", "Nobody delivers"];
  if (webhook) return ["bad", `The webhook fails: ${webhook.reason}`];
  if (live.circuits.length > 0) return ["warn", "Some destinations fail"];
  if (live.queue.dead > 0) return ["warn", "Dead letters wait for you"];
  return ["good", "All is well"];
}

function show(live) {
  const fresh = live.samples.filter((sample) => sample.at > Date.parse(live.now) - HOUR_MS);
  state.samples = state.samples.concat(fresh).filter((sample) => sample.at > Date.parse(live.now) - HOUR_MS);
  state.last = live;
  verdict(...judge(live));
  say("clock", `as of ${new Date(live.now).toLocaleTimeString()}`);
  $("forget").hidden = !sessionStorage.getItem(KEY);
  showFigures(live);
  showHealth(live);
  showLanes(live);
  showCircuits(live.circuits);
  showLetters(live.last_dead);
  drawAll();
}

function showFigures(live) {
  const now = state.samples[state.samples.length - 1];
  say("f-waiting", number(live.queue.waiting));
  say("f-oldest", live.queue.oldest_at ? `oldest ${span(live.queue.oldest_age_seconds)}` : "nothing waits");
  say("f-dead", number(live.queue.dead));
  say("f-died", `${number(live.totals.died)} in all`);
  say("f-in", now ? brief(now.in) : "–");
  say("f-out", now ? brief(now.out) : "–");
}

function showHealth(live) {
  const disk = live.disk;
  const isShort = disk.free_bytes < disk.min_free_bytes;
  const bar = make("progress", { max: 1, value: Math.min(1, disk.min_free_bytes / Math.max(1, disk.free_bytes)) });
  bar.className = isShort ? "bad" : "";
  bar.setAttribute("aria-label", "How near the free room is to its floor");
  $("h-disk").replaceChildren(`${bytes(disk.free_bytes)} free, ${bytes(disk.min_free_bytes)} needed`, bar);
  say("h-spool", `${number(live.queue.messages)} messages, ${bytes(live.queue.bytes)}`);
  say("h-writers", number(live.writers));
  say("h-agents", number(live.agents));
  say("h-totals", `${number(live.totals.accepted)} in, ${number(live.totals.delivered)} delivered`);
  say("h-own", `${live.version}, up ${span(live.uptime_seconds)}`);
}

function showLanes(live) {
  const rows = Object.entries(live.queue.lanes).map(([name, states]) =>
    make("tr", {}, make("th", { scope: "row" }, name),
      ...["queued", "deferred", "claimed", "held", "dead"].map((state) => make("td", {}, number(states[state])))));
  document.querySelector("#lanes tbody").replaceChildren(...rows);
}

function showCircuits(circuits) {
  const items = circuits.map((circuit) =>
    make("li", {}, make("b", { className: "bad" }, circuit.destination || circuit.lane),
      ` fails: ${circuit.reason}. It is left alone since ${clock(circuit.opened)}. `,
      make("span", { className: "quiet" }, `Next probe ${clock(circuit.next_probe)}.`)));
  $("circuits").replaceChildren(...(items.length ? items : [make("li", { className: "quiet" }, "All are closed: every destination is being tried.")]));
}

function showLetters(letters) {
  const items = letters.map((letter) => {
    const item = make("li", { className: "letter" },
      make("p", {}, make("b", {}, letter.recipient), " ", make("span", { className: "bad" }, letter.reason),
        letter.status ? ` (${letter.status})` : ""),
      make("div", { className: "acts" }, storyButton(letter.id), actButton("requeue", letter.id), actButton("drop", letter.id)),
      make("p", { className: "quiet" }, `${letter.answer ? `“${letter.answer}” · ` : ""}from ${letter.from || "the null sender"} · died ${ago(letter.died)} · `,
        make("code", {}, letter.id)));
    return item;
  });
  keepFocus($("letters"), items.length ? items : [make("li", { className: "quiet" }, "There are none.")]);
}

/* The list is made anew every two seconds; who is at one of its buttons stays
 * there. */
function keepFocus(list, items) {
  const at = list.contains(document.activeElement) ? document.activeElement.dataset.place : null;
  list.replaceChildren(...items);
  if (at) list.querySelector(`[data-place="${CSS.escape(at)}"]`)?.focus();
}

/* --- charts -------------------------------------------------------------- */

const CHARTS = [
  { id: "c-waiting", series: [(s) => s.waiting], area: true, unit: "" },
  { id: "c-oldest", series: [(s) => s.oldest_s], area: true, unit: " s" },
  { id: "c-rates", series: [(s) => s.in, (s) => s.out], unit: "/s" },
  { id: "c-commit", series: [(s) => s.commit_ms && s.commit_ms[0], (s) => s.commit_ms && s.commit_ms[1]], unit: " ms" },
  { id: "c-delay", series: [(s) => s.delay_ms && s.delay_ms[0], (s) => s.delay_ms && s.delay_ms[1]], unit: " ms" },
];

function shape(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/* The next of 1, 2, 5, 10, 20, ... */
function ceiling(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) || 1;
}

/* Where a chart puts time and value. */
function scale(svg, chart) {
  const width = svg.clientWidth || 300, height = svg.clientHeight || 130;
  const end = Date.parse(state.last.now);
  const begin = Math.max(end - HOUR_MS, Math.min(end - 120000, state.samples[0]?.at ?? end));
  const values = state.samples.flatMap((sample) => chart.series.map((value) => value(sample) || 0));
  const top = ceiling(Math.max(0, ...values));
  return {
    width, height, top, begin, end,
    x: (at) => ((at - begin) / (end - begin)) * width,
    y: (value) => height - 18 - (value / top) * (height - 30),
  };
}

/* Lines, broken where nothing was measured. */
function path(value, place) {
  let text = "", pen = "M";
  for (const sample of state.samples) {
    const now = value(sample);
    if (now === null || now === undefined) {
      pen = "M";
      continue;
    }
    const x = place.x(sample.at).toFixed(1), y = place.y(now).toFixed(1);
    /* A lone sample is a dot. */
    text += pen === "M" ? `M${x} ${y}h.01` : `L${x} ${y}`;
    pen = "L";
  }
  return text;
}

function draw(chart) {
  const svg = $(chart.id), place = scale(svg, chart);
  const base = place.y(0), middle = place.y(place.top / 2);
  const parts = [
    shape("line", { class: "grid", x1: 0, x2: place.width, y1: base, y2: base }),
    shape("line", { class: "grid", x1: 0, x2: place.width, y1: middle, y2: middle }),
    shape("line", { class: "grid", x1: 0, x2: place.width, y1: place.y(place.top), y2: place.y(place.top) }),
  ];
  const first = path(chart.series[0], place);
  if (chart.area && first) {
    const from = place.x(state.samples[0].at), to = place.x(state.samples[state.samples.length - 1].at);
    parts.push(shape("path", { class: "area", d: `${first}L${to} ${base}L${from} ${base}Z` }));
  }
  chart.series.slice().reverse().forEach((value, i) => {
    const name = chart.series.length - i === 2 ? "b" : "a";
    parts.push(shape("path", { class: name, d: path(value, place) }));
  });
  parts.push(shape("text", { x: 0, y: place.y(place.top) - 4 }, brief(place.top) + chart.unit));
  parts.push(shape("text", { x: 0, y: place.height - 4 }, `${span((place.end - place.begin) / 1000)} ago`));
  parts.push(shape("text", { x: place.width, y: place.height - 4, "text-anchor": "end" }, "now"));
  svg.setAttribute("viewBox", `0 0 ${place.width} ${place.height}`);
  svg.replaceChildren(...parts);
  point(chart, place);
}

/* The values under the pointer, or the last ones. */
function point(chart, place) {
  const svg = $(chart.id), output = svg.parentElement.querySelector("output");
  let sample = state.samples[state.samples.length - 1];
  if (!sample) return;
  if (chart.at !== undefined) {
    const at = place.begin + (chart.at / place.width) * (place.end - place.begin);
    sample = state.samples.reduce((best, other) => (Math.abs(other.at - at) < Math.abs(best.at - at) ? other : best));
    const x = place.x(sample.at);
    svg.append(shape("line", { class: "cross", x1: x, x2: x, y1: place.y(place.top), y2: place.y(0) }));
  }
  const values = chart.series.map((value) => value(sample)).map((value) => (value === null ? "–" : brief(value) + chart.unit));
  const when = chart.at === undefined ? "" : ` at ${new Date(sample.at).toLocaleTimeString()}`;
  output.textContent = values.join(" · ") + when;
}

function drawAll() {
  if (state.last) CHARTS.forEach(draw);
}

function watchPointer(chart) {
  const svg = $(chart.id);
  svg.addEventListener("pointermove", (event) => {
    chart.at = event.clientX - svg.getBoundingClientRect().left;
    draw(chart);
  });
  svg.addEventListener("pointerleave", () => {
    delete chart.at;
    draw(chart);
  });
}

/* --- one message --------------------------------------------------------- */

const KINDS = { accepted: "good", delivered: "good", dead: "bad", deferred: "bad" };

function describe(event) {
  const parts = [];
  if (event.recipient) parts.push(`to ${event.recipient}`);
  if (event.event === "accepted" && event.from !== undefined) parts.push(`from ${event.from || "the null sender"}`);
  if (event.ip) parts.push(`by ${event.ip}`);
  if (event.state) parts.push(event.state);
  if (event.attempt) parts.push(`try ${event.attempt}`);
  if (event.status) parts.push(String(event.status));
  if (event.reason) parts.push(event.reason);
  if (event.answer) parts.push(`“${event.answer}”`);
  if (event.who) parts.push(`by ${event.who}`);
  if (event.duration_ms) parts.push(`in ${brief(event.duration_ms)} ms`);
  if (event.retry_in_ms) parts.push(`again in ${span(event.retry_in_ms / 1000)}`);
  if (event.due) parts.push(`next try ${clock(event.due)}`);
  return parts.join(" · ");
}

function actsOf(message) {
  const states = new Set(message.deliveries.map((delivery) => delivery.state));
  const has = (...wanted) => wanted.some((one) => states.has(one));
  const acts = [];
  if (has("queued", "deferred")) acts.push("retry", "hold");
  if (has("held")) acts.push("release");
  if (has("queued", "deferred", "claimed", "held")) acts.push("cancel");
  if (has("dead")) acts.push("requeue", "drop");
  if (message.deliveries.length === 0) acts.push("replay");
  return acts;
}

function storyOf(message) {
  const list = make("ol", { className: "story" },
    ...message.events.map((event) => make("li", { className: KINDS[event.event] || "" },
      make("b", {}, event.event), " ", make("span", { className: "quiet" }, clock(event.ts)),
      make("br"), describe(event))));
  return [
    make("p", {}, make("code", {}, message.id), " ",
      make("span", { className: "quiet" }, [message.message_id && `<${message.message_id}>`, message.size && bytes(message.size)].filter(Boolean).join(" · "))),
    make("div", { className: "acts" }, ...actsOf(message).map((verb) => actButton(verb, message.id))),
    list,
  ];
}

function rowsOf(page) {
  if (page.items.length === 0) return [make("p", { className: "quiet" }, "Nothing waits for this address.")];
  return [make("ul", { className: "list" }, ...page.items.map((entry) =>
    make("li", { className: "letter" },
      make("p", {}, make("b", {}, entry.state), ` from ${entry.from || "the null sender"} · ${ago(entry.received)} · `, make("code", {}, entry.id)),
      make("div", { className: "acts" }, storyButton(entry.id)))))];
}

async function find(query) {
  const byAddress = query.includes("@");
  const path = byAddress
    ? `api/v1/messages?limit=20&recipient=${encodeURIComponent(query)}`
    : `api/v1/messages/${encodeURIComponent(query)}`;
  try {
    const answer = await withKey("Looking at messages needs the API key.", (key) => ask(path, "GET", key));
    if (answer) $("found").replaceChildren(...(byAddress ? rowsOf(answer) : storyOf(answer)));
  } catch (problem) {
    $("found").replaceChildren(make("p", { className: "bad" }, problem.message));
  }
}

function storyButton(id) {
  const button = make("button", { type: "button", className: "plain small" }, "Story");
  button.dataset.place = `story ${id}`;
  button.addEventListener("click", () => {
    $("query").value = id;
    $("t-find").scrollIntoView({ block: "start" });
    find(id);
  });
  return button;
}

/* --- acting -------------------------------------------------------------- */

const ACTS = {
  retry: { title: "Try now", text: "It is due at once, also behind an open circuit.", method: "POST", path: (id) => `api/v1/messages/${id}/retry`, command: "retry" },
  hold: { title: "Hold", text: "It waits until it is released.", method: "POST", path: (id) => `api/v1/messages/${id}/hold`, command: "hold" },
  release: { title: "Release", text: "It is due at once.", method: "POST", path: (id) => `api/v1/messages/${id}/release`, command: "release" },
  cancel: { title: "Cancel", text: "It will never be delivered: the message is discarded.", method: "POST", path: (id) => `api/v1/messages/${id}/cancel`, command: "cancel" },
  requeue: { title: "Requeue", text: "It goes back into the queue as if it had just come, and is tried at once.", method: "POST", path: (id) => `api/v1/dead/${id}/requeue`, command: "dead requeue" },
  drop: { title: "Drop", text: "This dead letter is discarded, and cannot be had back.", method: "DELETE", path: (id) => `api/v1/dead/${id}`, command: "dead drop" },
  replay: { title: "Replay", text: "It is posted again, with the same id, if it is still kept.", method: "POST", path: (id) => `api/v1/messages/${id}/replay`, command: "replay" },
};

function actButton(verb, id) {
  const button = make("button", { type: "button", className: "plain small" }, `${ACTS[verb].title}…`);
  button.dataset.place = `${verb} ${id}`;
  button.addEventListener("click", () => openAct(verb, id));
  return button;
}

function openDialog(title, text, command, label) {
  say("act-title", title);
  say("act-text", text);
  say("act-command", command);
  $("act-command").hidden = !command;
  $("act-command").previousElementSibling.hidden = !command;
  say("act-do", label);
  say("act-result", "");
  $("act-do").disabled = false;
  $("act-key-part").hidden = Boolean(sessionStorage.getItem(KEY));
  $("act-key").value = "";
  $("act").showModal();
  $($("act-key-part").hidden ? "act-do" : "act-key").focus();
}

/* The key that is there, or was just given. */
function givenKey() {
  return sessionStorage.getItem(KEY) || $("act-key").value;
}

function openAct(verb, id) {
  const act = ACTS[verb];
  openDialog(`${act.title} ${id}`, act.text, `elektrine-spool ${act.command} ${id}`, act.title);
  $("act-do").onclick = async () => {
    $("act-do").disabled = true;
    try {
      const key = givenKey();
      const answer = await ask(act.path(id), act.method, key);
      sessionStorage.setItem(KEY, key);
      $("act-result").className = "good";
      say("act-result", `Done, for ${answer.results.filter((one) => one.result === "done").map((one) => one.recipient).join(", ")}.`);
      poll();
      if ($("query").value === id && $("found").children.length) find(id);
    } catch (problem) {
      $("act-result").className = "bad";
      say("act-result", problem.status === 401 ? "This is not the key." : problem.message);
      $("act-do").disabled = false;
    }
  };
}

/* Does what needs the key; asks for it if there is none. */
async function withKey(text, what) {
  const key = sessionStorage.getItem(KEY);
  if (key) return what(key);
  return new Promise((resolve, reject) => {
    openDialog("The key, please", text, "", "Go on");
    $("act").addEventListener("close", () => resolve(null), { once: true });
    $("act-do").onclick = async () => {
      const given = $("act-key").value;
      try {
        const answer = await what(given);
        sessionStorage.setItem(KEY, given);
        resolve(answer);
        $("act").close();
      } catch (problem) {
        if (problem.status === 401) {
          $("act-result").className = "bad";
          say("act-result", "This is not the key.");
          return;
        }
        sessionStorage.setItem(KEY, given);
        reject(problem);
        $("act").close();
      }
    };
  });
}

/* --- the beginning ------------------------------------------------------- */

$("gate").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, $("key").value);
  $("key").value = "";
  poll();
});
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  find($("query").value.trim());
});
$("act-key").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  $("act-do").click();
});
$("forget").addEventListener("click", () => {
  sessionStorage.removeItem(KEY);
  location.reload();
});
CHARTS.forEach(watchPointer);
addEventListener("resize", drawAll);
document.addEventListener("visibilitychange", poll);
poll();
