// Draws the circuit: few traces of large typed arrays, one of wires and one of neurons for each layer, so that 20,000
// wires stay fluid.

// Wires blend like light: colours already multiplied by their weight, and a little less alpha than weight. Short wires
// are faint, so that thousands of them leave the long ones in sight. (Plotly hands line colours to WebGL unmultiplied.)
const faint = Math.min(0.8, 40 / data.source.length ** 0.68);
const light = Array.from({ length: 33 }, (_, i) => {
  const at = i / 32, weight = faint + (0.9 - faint) * at ** 3;
  return [at, `rgba(${mix(at).map((value) => Math.round(weight * value)).join(",")},${(0.85 * weight).toFixed(3)})`];
});

const circuit = document.getElementById("circuit");
const hint = document.getElementById("hint");
const advice = hint.textContent;
const longestLabel = document.getElementById("longest");
let placement = "after";
let selected = null;

// The camera sees the box with edges of at most 1.25 around the origin, 45 degrees from top to bottom (plotly's default).
const extent = data.shape.map((sites, axis) => sites * data.pitch[axis]);
const unit = Math.max(...extent) / 1.25; // grid steps along one unit of the camera
const middle = extent.map((size, axis) => (size - data.pitch[axis]) / 2);
const back = Math.max(1, 0.95 * circuit.clientHeight / circuit.clientWidth);
let camera = { eye: { x: 1.55 * back, y: 1.3 * back, z: 0.7 * back }, center: { x: 0, y: 0, z: -0.09 } };

const size = Math.max(3.5, Math.min(7, 44 / Math.max(...data.shape)));
const sizeOf = (layer) => size * (layer === 0 ? 0.7 : layer === data.layers - 1 ? 1.8 : 1.1);
const DISC = 1.4; // radius of a disc in pixels for each unit of marker.size; measured: 1.47

// Each neuron's disc as the camera sees it: its radius in grid steps, and the direction in which it lies. Discs have one
// size in pixels, however far the camera is.
function discs() {
  const [eye, center] = [camera.eye, camera.center].map(({ x, y, z }) => [x, y, z]);
  const ahead = center.map((to, axis) => to - eye[axis]);
  const pixel = 2 * Math.tan(Math.PI / 8) / circuit.clientHeight; // height of a pixel at a distance of 1
  return data.layer.map((layer, neuron) => {
    const seen = middle.map((at, axis) => (data[placement][3 * neuron + axis] - at) / unit - eye[axis]);
    const depth = Math.max(dot(seen, ahead) / Math.hypot(...ahead), 0);
    const away = Math.hypot(...seen);
    return { radius: DISC * sizeOf(layer) * pixel * depth * unit, ray: seen.map((value) => value / away) };
  });
}

const dot = (a, b) => a.reduce((sum, value, axis) => sum + value * b[axis], 0);

// A line for each wire, from the edge of one disc to the edge of the other as the camera sees them, with a gap (NaN)
// after it; coloured by length. What the camera sees of a wire is what stands across the direction of its disc.
function polyline(wires, seen) {
  const [x, y, z, colour] = [0, 0, 0, 0].map(() => new Float32Array(3 * wires.length));
  wires.forEach((wire, i) => {
    const ends = [data.source[wire], data.target[wire]];
    const [from, to] = ends.map((neuron) => data[placement].slice(3 * neuron, 3 * neuron + 3));
    const way = to.map((value, axis) => value - from[axis]);
    const [start, stop] = ends.map((neuron) => {
      const { radius, ray } = seen[neuron];
      return Math.min(radius / Math.sqrt(Math.max(dot(way, way) - dot(way, ray) ** 2, 1e-9)), 0.45);
    });
    [x, y, z].forEach((line, axis) => {
      line[3 * i] = from[axis] + start * way[axis];
      line[3 * i + 1] = to[axis] - stop * way[axis];
      line[3 * i + 2] = NaN;
    });
    colour.fill(lengths[placement][wire], 3 * i, 3 * i + 3);
  });
  return { x, y, z, colour };
}

// Discs stand before their sites by their radius, so that a wire that passes through a site passes behind its disc.
function points(neurons, seen) {
  const before = (n, axis) => data[placement][3 * n + axis] - seen[n].radius * seen[n].ray[axis];
  const [x, y, z] = [0, 1, 2].map((axis) => Float32Array.from(neurons, (n) => before(n, axis)));
  const at = (n) => data.pitch.map((step, axis) => data[placement][3 * n + axis] / step).join(", ");
  return { x, y, z, text: neurons.map((n) => `${data.names[n]} at ${at(n)}`) };
}

function wireTrace(layer) {
  const { colour, ...line } = polyline(wiresInto[layer], discs());
  return {
    type: "scatter3d", mode: "lines", name: `wires into ${kind(layer)}`, ...line, hoverinfo: "skip",
    line: { width: Math.max(1.5, Math.min(4, 60 / Math.sqrt(data.source.length))), color: colour, colorscale: light, cmin: 1, cmax: longest },
    opacity: 0.99, // below 1, so that WebGL blends the wires instead of letting one hide another
  };
}

function neuronTrace(layer) {
  const neurons = neuronsOf[layer];
  return {
    type: "scatter3d", mode: "markers", name: kind(layer), ...points(neurons, discs()), customdata: neurons,
    hovertemplate: "%{text}<extra></extra>",
    marker: { size: sizeOf(layer), color: data.colours[layer], line: { width: 0 } },
  };
}

// The edges of the box, as one line.
function boxTrace() {
  const far = extent.map((edge, axis) => edge - 0.5 * data.pitch[axis]);
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
  const [x, y, z] = extent.map((edge) => edge / unit);
  const axisOf = (step, axis) => ({ visible: false, range: [-step / 2, extent[axis] - step / 2] });
  const [xaxis, yaxis, zaxis] = data.pitch.map(axisOf);
  return Plotly.newPlot(circuit, traces, {
    autosize: true, showlegend: false, margin: { l: 0, r: 0, t: 0, b: 0 }, paper_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: "#e8eef2", bordercolor: "#e8eef2", font: { ...font, size: 14, color: "#16202a" } },
    scene: {
      xaxis, yaxis, zaxis, aspectmode: "manual", aspectratio: { x, y, z }, camera, dragmode: "orbit",
    },
  }, options);
}

// Draws neurons and wires anew: for another placement, camera or selection.
function redraw() {
  const mine = [];
  data.source.forEach((source, wire) => {
    if (source === selected || data.target[wire] === selected) mine.push(wire);
  });
  hint.textContent = selected === null ? advice : `${data.names[selected]} has ${mine.length} wires`;
  const seen = discs();
  const lines = [mine, ...wiresInto.slice(1)].map((wires) => polyline(wires, seen));
  const neurons = neuronsOf.map((some) => points(some, seen));
  const of = (traces, key) => traces.map((trace) => trace[key]);
  const colours = ["#fff", ...of(lines.slice(1), "colour")];
  const wires = { x: of(lines, "x"), y: of(lines, "y"), z: of(lines, "z"), "line.color": colours };
  const marks = { x: of(neurons, "x"), y: of(neurons, "y"), z: of(neurons, "z"), text: of(neurons, "text") };
  return Plotly.restyle(circuit, wires, [1, ...layers.slice(1).map(wiresAt)])
    .then(() => Plotly.restyle(circuit, marks, layers.map(neuronsAt)));
}

function select(neuron) {
  selected = neuron === selected ? null : neuron;
  return redraw();
}

function move(to) {
  placement = to;
  longestLabel.textContent = to === "after" ? longest : `${longest} and more`;
  return redraw();
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
longestLabel.textContent = longest;
await draw();
circuit.on("plotly_click", ({ points: [point] }) => select(point.customdata));
circuit.on("plotly_relayout", () => {
  camera = circuit.layout.scene.camera;
  redraw();
});

