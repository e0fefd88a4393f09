"use strict";
// What goes wrong is written on the page, where a test looks for it.
window.addEventListener("error", e => { document.body.dataset.error = e.message; });

const d = JSON.parse(document.getElementById("data").textContent);
const style = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
// Okabe and Ito's colours keep apart for eyes that see few of them.
const colours = dark
  ? ["#4aa8e0", "#e8702a", "#009e73", "#cc79a7", "#e69f00", "#2f7fb5", "#a88a1c", "#a695e0"]
  : ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a6d00", "#5b4b8a"];
const grey = "#9aa3b2";
const n = v => v.toLocaleString("en-US", { maximumFractionDigits: 1 });
const bytes = v => {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let u = 0;
  for (; v >= 1024 && u < units.length - 1; u++) v /= 1024;
  return n(v) + " " + units[u];
};
let drawn = 0;
Chart.defaults.color = style("--quiet");
Chart.defaults.borderColor = style("--line");

function element(name, parent, text, className) {
  const e = document.createElement(name);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return parent.appendChild(e);
}

function tile(value, name, className) {
  const t = element("div", document.getElementById("tiles"), undefined, "tile " + (className || ""));
  element("b", t, value);
  element("span", t, name);
}

function card(title, text, wide) {
  const c = element("div", document.getElementById("cards"), undefined, wide ? "card wide" : "card");
  element("h2", c, title);
  element("p", c, text);
  return c;
}

function chart(title, text, config, wide) {
  const plot = element("div", card(title, text, wide), undefined, "plot");
  config.options = Object.assign({ animation: false, maintainAspectRatio: false, responsive: true }, config.options);
  new Chart(element("canvas", plot), config);
  drawn++;
}

const axis = (text, more) => Object.assign({ title: { display: true, text } }, more);
// A logarithmic axis with numbers at the powers of ten.
const decades = { type: "logarithmic", min: 1, ticks: { callback: v => Number.isInteger(Math.log10(v)) ? n(v) : "" } };
const noLegend = { legend: { display: false } };

function head() {
  const title = "Index “" + d.index + "” of " + d.directory;
  document.title = title;
  document.getElementById("title").textContent = title;
  document.getElementById("subtitle").textContent = d.made + ", " + d.version;
  const sound = d.check.sound;
  tile(sound ? "sound" : "DAMAGED", sound ? "check: no problem found" : n(d.check.problems.length) + " problems", sound ? "good" : "bad");
  tile(n(d.check.unreachable), "unreachable of " + n(d.check.live) + " linked items", d.check.unreachable ? "bad" : "good");
  if (!d.stats) return;
  const s = d.stats;
  tile(n(s.items), "items");
  tile(n(s.pending), "pending: not linked yet", s.pending ? "bad" : "");
  tile(n(s.dead) + " / " + n(s.free), "dead / free slots");
  tile(n(s.dimensions), "dimensions, " + s.metric);
  tile(s.vector_type + ", " + s.codes, "vectors, codes");
  tile(s.m + " / " + s.ef_construction, "m / ef construction");
  tile(bytes(s.bytes.file), "file, " + bytes(s.bytes.free) + " of it free");
  tile(s.items ? n(s.bytes.file / s.items) : "-", "bytes an item");
  const usual = d.curve && d.curve.find(p => p.default);
  if (usual) tile((100 * usual.recall).toFixed(2) + " %", "recall@" + d.k + " at the default ef " + usual.ef);
  if (usual) tile(n(Math.round(usual.qps)), "queries per CPU second at ef " + usual.ef);
}

function problems() {
  if (!d.check.problems.length) return;
  const t = element("table", card("Problems", "What check has found.", true));
  for (const p of d.check.problems) {
    const row = element("tr", t);
    for (const text of [p.kind, p.where, p.text]) element("td", row, text);
  }
}

function bytesByKind() {
  const b = d.stats.bytes;
  const kinds = ["vectors", "codes", "links", "keys", "values", "labels", "sets", "meta", "free"].filter(k => b[k] > 0);
  const step = 2 ** Math.ceil(Math.log2(Math.max(...kinds.map(k => b[k])) / 5));
  chart("Bytes by kind", "Of records; the rest of the file is pages that are not full.", {
    type: "bar",
    data: { labels: kinds, datasets: [{ data: kinds.map(k => b[k]), backgroundColor: kinds.map(k => k === "free" ? grey : colours[0]) }] },
    options: {
      indexAxis: "y", plugins: { legend: { display: false }, tooltip: { callbacks: { label: c => bytes(c.raw) + (d.stats.items ? ", " + n(c.raw / d.stats.items) + " an item" : "") } } },
      scales: { x: { ticks: { callback: v => bytes(v), stepSize: step, maxRotation: 0 } } },
    },
  });
}

function degrees() {
  const level = d.stats.levels[0];
  if (!level || !level.degrees) return;
  const counts = level.degrees;
  chart("Degrees on level 0", "Links are symmetric: what a vector links to links back. Mean " + n(level.mean_degree) + ", at most " + d.stats.m0 + ".", {
    type: "bar",
    data: { labels: counts.map((_, i) => i), datasets: [{ data: counts, backgroundColor: colours[0], categoryPercentage: 1, barPercentage: .92 }] },
    options: { plugins: noLegend, scales: { x: axis("links"), y: axis("vectors") } },
  });
  // The tail of in-degrees: vectors that few others lead to are the ones that searches miss.
  const tail = [], most = Math.min(counts.length, 11);
  for (let i = 0, sum = 0; i < most; i++) tail.push({ x: i, y: sum += counts[i] });
  chart("Vectors that few lead to", "How many have at most so many links to them. One that has none is equal to a linked one, or alone.", {
    type: "line",
    data: { datasets: [{ data: tail, stepped: true, borderColor: colours[1], backgroundColor: colours[1], pointRadius: 3 }] },
    options: { plugins: noLegend, scales: { x: axis("links, at most", { type: "linear", ticks: { stepSize: 1 } }), y: axis("vectors", { beginAtZero: true }) } },
  });
}

function levels() {
  const l = d.stats.levels;
  if (!l.length) return;
  chart("Levels", "Slots on each level; each should hold about 1/" + d.stats.m + " of the one below.", {
    type: "bar",
    data: { labels: l.map((_, i) => i), datasets: [{ data: l.map(x => x.slots), backgroundColor: colours[2] }] },
    options: { plugins: noLegend, scales: { x: axis("level"), y: axis("slots (logarithmic)", decades) } },
  });
  const towers = l.map((x, i) => ({ x: Math.max(x.slots, 1), y: i })).reverse();
  towers.unshift({ x: 1, y: l.length - 1 });
  chart("Towers", "The vectors from the highest tower to the lowest: a search goes down from the left.", {
    type: "line",
    data: { datasets: [{ data: towers, stepped: "after", fill: true, borderColor: colours[2], backgroundColor: "#009e7333", pointRadius: 0 }] },
    options: { plugins: noLegend, scales: { x: axis("vectors (logarithmic)", decades), y: axis("top level", { min: 0, ticks: { stepSize: 1 } }) } },
  });
}

// efs writes the ef beside each point of the curve, as far as there is room.
const efs = {
  id: "efs",
  afterDatasetsDraw(chart) {
    const { ctx } = chart, points = chart.getDatasetMeta(0).data;
    ctx.save();
    ctx.textAlign = "right";
    const order = points.map((_, i) => i).sort((a, b) => d.curve[b].default - d.curve[a].default);
    const taken = [];
    for (const i of order) {
      const { x, y } = points[i], p = d.curve[i];
      if (taken.some(t => Math.abs(t.x - x) < 90 && Math.abs(t.y - y) < 13)) continue;
      taken.push({ x, y });
      ctx.font = (p.default ? "600 " : "") + "12px system-ui, sans-serif";
      ctx.fillStyle = p.default ? colours[1] : style("--quiet");
      ctx.fillText("ef " + p.ef + (p.default ? ", the default" : ""), x - 11, y + 15);
    }
    ctx.restore();
  },
};

function curve() {
  if (!d.curve) return;
  const points = d.curve.map(p => ({ x: p.recall, y: p.qps, p }));
  const usual = p => p.raw && p.raw.p && p.raw.p.default;
  chart("Recall and speed", n(d.queries) + " stored vectors as queries, each left out of its own answer; one thread, queries per second of processor time, medians of three runs. The default ef is marked.", {
    type: "line",
    data: { datasets: [{ data: points, borderColor: colours[0], pointBackgroundColor: c => usual(c) ? colours[1] : colours[0], pointRadius: c => usual(c) ? 8 : 4 }] },
    plugins: [efs],
    options: {
      layout: { padding: { bottom: 12 } },
      plugins: { legend: { display: false }, tooltip: { callbacks: { title: c => "ef " + c[0].raw.p.ef + (c[0].raw.p.default ? ", the default" : ""),
        label: c => "recall " + c.raw.x + ", " + n(c.raw.y) + " queries/s, " + n(c.raw.p.distances) + " distances" } } },
      scales: { x: axis("recall@" + d.k, { type: "linear", max: 1, suggestedMin: .98, grace: 0 }), y: axis("queries per CPU second", { beginAtZero: true, ticks: { callback: v => n(v) } }) },
    },
  }, true);
}

// distances says what --max-distance would keep.
function distances() {
  if (!d.nearest) return;
  const all = d.nearest.concat(d.farthest), low = Math.min(...all), high = Math.max(...all), bins = 30;
  const width = (high - low) / bins || 1;
  const count = values => values.reduce((h, v) => (h[Math.min(bins - 1, Math.floor((v - low) / width))]++, h), new Array(bins).fill(0));
  const digits = Math.max(0, 2 - Math.floor(Math.log10(width * bins)));
  chart("How far neighbours are", "Of the same queries, to the nearest and to the " + d.k + "th item: the scale of a largest distance.", {
    type: "bar",
    data: {
      labels: Array.from({ length: bins }, (_, i) => (low + (i + .5) * width).toFixed(digits)),
      datasets: [{ label: "nearest", data: count(d.nearest), backgroundColor: colours[0] + "b0" }, { label: d.k + "th", data: count(d.farthest), backgroundColor: colours[1] + "b0" }]
        .map(s => Object.assign(s, { categoryPercentage: 1, barPercentage: .96, grouped: false })),
    },
    options: { scales: { x: axis("distance", { ticks: { maxTicksLimit: 8, maxRotation: 0 } }), y: axis("queries") } },
  });
}

function map() {
  if (!d.map) return;
  const byLabel = new Map();
  for (const p of d.map) byLabel.set(p.label, (byLabel.get(p.label) || []).concat(p));
  const labels = [...byLabel.keys()].sort((a, b) => byLabel.get(b).length - byLabel.get(a).length);
  const shown = labels.filter(l => l !== "").slice(0, colours.length);
  const rest = labels.filter(l => !shown.includes(l)).flatMap(l => byLabel.get(l));
  const sets = shown.map((l, i) => ({ label: l, data: byLabel.get(l), backgroundColor: colours[i] + "b0", pointRadius: 2.5 }));
  if (rest.length) sets.push({ label: shown.length ? "others" : "vectors", data: rest, backgroundColor: shown.length ? grey + "90" : colours[0] + "90", pointRadius: 2.5 });
  chart("Map", n(d.map.length) + " vectors, laid out so that near ones are near; how far groups are from each other says little. Point at one to see its key.", {
    type: "scatter",
    data: { datasets: sets },
    options: {
      plugins: { legend: { display: shown.length > 0 }, tooltip: { callbacks: { label: c => c.raw.key + (c.raw.label ? " (" + c.raw.label + ")" : "") } } },
      scales: { x: { display: false }, y: { display: false } },
    },
  }, true);
}

head();
problems();
if (d.stats) [curve, map, bytesByKind, distances, degrees, levels].forEach(draw => draw());
document.body.dataset.drawn = drawn;
