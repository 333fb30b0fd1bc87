// What all drawings of the page share: the netlist with its two placements, colours, and wire lengths.

const data = JSON.parse(await unpack("data"));
const style = getComputedStyle(document.documentElement);
const font = { family: getComputedStyle(document.body).fontFamily, size: 13, color: style.getPropertyValue("--quiet") };
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
const longest = greatest(lengths.after); // the colour scale ends here; longer wires of the index order share its last colour
const ramp = data.lengths.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

// The ramp's colour, [r, g, b], at 0 (shortest) to 1 (longest).
function mix(part) {
  const at = Math.max(0, Math.min(part, 1)) * (ramp.length - 1);
  const below = Math.min(Math.floor(at), ramp.length - 2);
  return ramp[below].map((value, k) => Math.round(value + (ramp[below + 1][k] - value) * (at - below)));
}

const kind = (layer) => (layer === 0 ? "inputs" : layer === data.layers - 1 ? "outputs" : `layer ${layer}`);

// plotly.js defines the global Plotly when a script element runs it.
const library = document.createElement("script");
library.textContent = await unpack("plotly");
document.head.append(library);
