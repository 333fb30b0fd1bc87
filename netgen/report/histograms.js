// Draws a histogram of wire lengths for each layer: grey in index order, coloured as placed.

// Wires of each length, in bins of whole grid steps, at most 48 of them.
const farthest = Math.max(longest, greatest(lengths.before));
const step = Math.ceil((farthest + 1) / 48);
const bins = Array.from({ length: Math.ceil((farthest + 1) / step) }, (_, bin) => bin * step);
// Labelled lengths; not 0, which stands at the corner for both axes.
const apart = [1, 2, 5, 10, 20, 50, 100, 200, 500].find((every) => farthest / every < 6) ?? 1000;
const labelled = bins.map((_, bin) => (bin + 1) * apart).filter((length) => length <= farthest);

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
    type: "bar", name, x: bins.map((bin) => bin + (step - 1) / 2), y: counts(layer, of), width: width * step, customdata: bins.map(range),
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
    xaxis: { range: [0, farthest + step], tickvals: labelled, fixedrange: true, showgrid: false, zeroline: false },
    yaxis: { fixedrange: true, nticks: 4, gridcolor: "#e5eaed", zeroline: false, tickformat: ",~s" },
  }, options);
}

document.getElementById("histograms").append(...layers.slice(1).map(histogramOf));
layers.slice(1).forEach(drawHistogram);
