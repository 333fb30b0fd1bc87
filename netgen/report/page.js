"use strict";
// Draws the circuit and the histograms from #data: few traces of large typed arrays, one of wires and one of neurons
// for each layer, so that 20,000 wires stay fluid.

const data = JSON.parse(document.getElementById("data").textContent);
const quiet = getComputedStyle(document.documentElement).getPropertyValue("--quiet");
const font = { family: getComputedStyle(document.body).fontFamily, size: 13, color: quiet };
const options = { displayModeBar: false, responsive: true };
const layers = Array.from({ length: data.layers }, (_, layer) => layer);
const neuronsOf = layers.map(() => []);
const wiresInto = layers.map(() => []);
data.layer.forEach((layer, neuron) => neuronsOf[layer].push(neuron));
data.target.forEach((target, wire) => wiresInto[data.layer[target]].push(wire));

function lengthsIn(sites) {
  return Float32Array.from(data.source, (source, wire) => {
    const from = 3 * source, to = 3 * data.target[wire];
    return [0, 1, 2].reduce((sum, axis) => sum + Math.abs(sites[from + axis] - sites[to + axis]), 0);
  });
}
const lengths = { before: lengthsIn(data.before), after: lengthsIn(data.after) };
const greatest = (array) => array.reduce((a, b) => Math.max(a, b), 1);
const longest = Math.max(greatest(lengths.before), greatest(lengths.after));
const ramp = data.lengths.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

// The ramp's colour, [r, g, b], at 0 (shortest) to 1 (longest).
function mix(part) {
  const at = Math.max(0, Math.min(part, 1)) * (ramp.length - 1);
  const below = Math.min(Math.floor(at), ramp.length - 2);
  return ramp[below].map((value, k) => Math.round(value + (ramp[below + 1][k] - value) * (at - below)));
}

// Wires blend like light: colours already multiplied by their weight, and a little less alpha than weight. Short wires
// are faint, so that thousands of them leave the long ones in sight. (Plotly hands line colours to WebGL unmultiplied.)
const faint = Math.min(0.8, 40 / data.source.length ** 0.68);
const light = Array.from({ length: 33 }, (_, i) => {
  const at = i / 32, weight = faint + (0.9 - faint) * at ** 3;
  return [at, `rgba(${mix(at).map((value) => Math.round(weight * value)).join(",")},${(0.85 * weight).toFixed(3)})`];
});
const kind = (layer) => (layer === 0 ? "inputs" : layer === data.layers - 1 ? "outputs" : `layer ${layer}`);

// --- the circuit ------------------------------------------------------------------------------------------------

const circuit = document.getElementById("circuit");
const hint = document.getElementById("hint");
const advice = hint.textContent;
let placement = "after";
let selected = null;

// A polyline through source and target of each wire, with a gap (NaN) after it; coloured by length.
function polyline(wires) {
  const [x, y, z, colour] = [0, 0, 0, 0].map(() => new Float32Array(3 * wires.length));
  wires.forEach((wire, i) => {
    [data.source[wire], data.target[wire]].forEach((neuron, end) => {
      [x, y, z].forEach((to, axis) => { to[3 * i + end] = data[placement][3 * neuron + axis]; });
    });
    [x, y, z].forEach((to) => { to[3 * i + 2] = NaN; });
    colour.fill(lengths[placement][wire], 3 * i, 3 * i + 3);
  });
  return { x, y, z, colour };
}

function points(neurons) {
  const [x, y, z] = [0, 1, 2].map((axis) => Float32Array.from(neurons, (n) => data[placement][3 * n + axis]));
  const at = (n) => data.pitch.map((step, axis) => data[placement][3 * n + axis] / step).join(", ");
  return { x, y, z, text: neurons.map((n) => `${data.names[n]} at ${at(n)}`) };
}

function wireTrace(layer) {
  const { colour, ...line } = polyline(wiresInto[layer]);
  return {
    type: "scatter3d", mode: "lines", name: `wires into ${kind(layer)}`, ...line, hoverinfo: "skip",
    line: { width: Math.max(1.5, Math.min(4, 60 / Math.sqrt(data.source.length))), color: colour, colorscale: light, cmin: 1, cmax: longest },
    opacity: 0.99, // below 1, so that WebGL blends the wires instead of letting one hide another
  };
}

function neuronTrace(layer) {
  const neurons = neuronsOf[layer];
  const size = Math.max(3.5, Math.min(7, 44 / Math.max(...data.shape)));
  const part = layer === 0 ? 0.7 : layer === data.layers - 1 ? 1.8 : 1.1;
  return {
    type: "scatter3d", mode: "markers", name: kind(layer), ...points(neurons), customdata: neurons,
    hovertemplate: "%{text}<extra></extra>",
    marker: { size: part * size, color: data.colours[layer], line: { width: 0 } },
  };
}

// The edges of the box, as one line.
function boxTrace() {
  const far = data.shape.map((sites, axis) => (sites - 1) * data.pitch[axis] + 0.5 * data.pitch[axis]);
  const near = data.pitch.map((step) => -0.5 * step);
  const line = { x: [], y: [], z: [] };
  [0, 1, 2].forEach((along) => {
    const [one, two] = [0, 1, 2].filter((axis) => axis !== along);
    [[0, 0], [0, 1], [1, 0], [1, 1]].forEach(([a, b]) => {
      [near, far].forEach((end) => {
        const corner = [0, 0, 0];
        corner[along] = end[along];
        corner[one] = (a ? far : near)[one];
        corner[two] = (b ? far : near)[two];
        ["x", "y", "z"].forEach((axis, k) => line[axis].push(corner[k]));
      });
      Object.values(line).forEach((values) => values.push(null));
    });
  });
  return { type: "scatter3d", mode: "lines", ...line, hoverinfo: "skip", line: { color: "#2c3b48", width: 1 } };
}

const picked = { type: "scatter3d", mode: "lines", x: [], y: [], z: [], hoverinfo: "skip", line: { color: "#fff", width: 4 } };
const traces = [boxTrace(), picked, ...layers.map(neuronTrace), ...layers.slice(1).map(wireTrace)];
const neuronsAt = (layer) => 2 + layer;
const wiresAt = (layer) => 1 + data.layers + layer;

function draw() {
  const hidden = { visible: false };
  const extent = data.shape.map((sites, axis) => sites * data.pitch[axis]);
  const scale = Math.max(...extent);
  const back = Math.max(1, 0.95 * circuit.clientHeight / circuit.clientWidth);
  const [x, y, z] = extent.map((size) => 1.25 * size / scale);
  return Plotly.newPlot(circuit, traces, {
    autosize: true, showlegend: false, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: "#e8eef2", bordercolor: "#e8eef2", font: { ...font, size: 14, color: "#16202a" } },
    scene: {
      xaxis: hidden, yaxis: hidden, zaxis: hidden, aspectmode: "manual", aspectratio: { x, y, z },
      camera: { eye: { x: 1.45 * back, y: 1.22 * back, z: 0.65 * back }, center: { x: 0, y: 0, z: -0.09 } }, dragmode: "orbit",
    },
  }, options);
}

function select(neuron) {
  selected = neuron === selected ? null : neuron;
  const wires = [];
  data.source.forEach((source, wire) => {
    if (source === selected || data.target[wire] === selected) wires.push(wire);
  });
  const { x, y, z } = polyline(wires);
  hint.textContent = selected === null ? advice : `${data.names[selected]} ends ${wires.length} wires`;
  return Plotly.restyle(circuit, { x: [x], y: [y], z: [z] }, [1]);
}

function move(to) {
  placement = to;
  const again = [...layers.map((layer) => points(neuronsOf[layer])), ...layers.slice(1).map((l) => polyline(wiresInto[l]))];
  const each = (key) => again.map((one) => one[key]);
  const colours = again.slice(data.layers).map((one) => one.colour);
  const at = again.map((_, i) => 2 + i);
  if (selected !== null) select(selected);
  return Plotly.restyle(circuit, { x: each("x"), y: each("y"), z: each("z") }, at)
    .then(() => Plotly.restyle(circuit, { text: each("text").slice(0, data.layers) }, at.slice(0, data.layers)))
    .then(() => Plotly.restyle(circuit, { "line.color": colours }, at.slice(data.layers)));
}

function button(layer) {
  const element = document.createElement("button");
  element.type = "button";
  element.dataset.layer = layer;
  element.setAttribute("aria-pressed", "true");
  element.style.setProperty("--dot", data.colours[layer]);
  element.append(document.createElement("i"), kind(layer));
  element.addEventListener("click", () => {
    const show = element.getAttribute("aria-pressed") !== "true";
    element.setAttribute("aria-pressed", show);
    Plotly.restyle(circuit, { visible: show }, layer ? [neuronsAt(layer), wiresAt(layer)] : [neuronsAt(0)]);
  });
  return element;
}

document.getElementById("layers").append(...layers.map(button));
document.querySelectorAll("[data-placement]").forEach((element, _, both) => {
  element.addEventListener("click", () => {
    both.forEach((one) => one.setAttribute("aria-pressed", one === element));
    move(element.dataset.placement);
  });
});
document.getElementById("ramp").style.background = `linear-gradient(90deg, ${data.lengths.join(", ")})`;
document.getElementById("longest").textContent = longest;
draw().then(() => {
  circuit.on("plotly_click", ({ points: [point] }) => select(point.customdata));
  document.documentElement.dataset.drawn = "true";
}).catch(() => { document.getElementById("failed").hidden = false; });

// --- the histograms -----------------------------------------------------------------------------------------------

// Wires of each length, in bins of whole grid steps, at most 48 of them.
const step = Math.ceil((longest + 1) / 48);
const bins = Array.from({ length: Math.ceil((longest + 1) / step) }, (_, bin) => bin * step);

function counts(layer, of) {
  const result = bins.map(() => 0);
  wiresInto[layer].forEach((wire) => { result[Math.floor(lengths[of][wire] / step)] += 1; });
  return result;
}

function histogramOf(layer) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const count = document.createElement("span");
  const plot = document.createElement("div");
  count.textContent = `${wiresInto[layer].length.toLocaleString("en")} wires`;
  caption.append(`Into ${kind(layer)}`, count);
  plot.id = `histogram${layer}`;
  figure.append(caption, plot);
  return figure;
}

function drawHistogram(layer) {
  const range = (length) => (step === 1 ? `${length}` : `${length} to ${length + step - 1}`);
  const bars = (of, colour, width, name) => ({
    type: "bar", name, x: bins, y: counts(layer, of), width: width * step, customdata: bins.map(range),
    marker: { color: colour, line: { width: 0 } },
    hovertemplate: `length %{customdata}: %{y:,} wires, ${name}<extra></extra>`,
  });
  Plotly.newPlot(`histogram${layer}`, [
    bars("before", "#dbe1e6", 1, "index order"),
    bars("after", bins.map((bin) => `rgb(${mix((bin - 1) / Math.max(longest - 1, 1))})`), 0.62, "placed"),
  ], {
    autosize: true, barmode: "overlay", showlegend: false, font, hovermode: "x", bargap: 0,
    margin: { l: 42, r: 4, t: 8, b: 26 }, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: "#16202a", bordercolor: "#16202a", font: { ...font, color: "#fff" } },
    xaxis: { range: [0, longest + step], fixedrange: true, showgrid: false, zeroline: false },
    yaxis: { fixedrange: true, nticks: 4, gridcolor: "#e5eaed", zeroline: false, tickformat: ",~s" },
  }, options);
}

document.getElementById("histograms").append(...layers.slice(1).map(histogramOf));
layers.slice(1).forEach(drawHistogram);
