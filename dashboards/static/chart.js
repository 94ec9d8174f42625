// Draws a patient's metrics on one time axis. What it draws stands in words and in a table beside it.
(function () {
  "use strict";

  const source = document.getElementById("plot-data");
  if (!source || !window.uPlot) return;
  const plots = JSON.parse(source.textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = function (name) { return style.getPropertyValue("--" + name).trim(); };
  const sync = uPlot.sync("patient");
  const drawn = [];
  const DASH = [[], [6, 4]];

  // One column of times for all lines of a plot; each line has its values there, or nothing.
  function columns(plot) {
    const times = new Set();
    for (const line of plot.lines) {
      for (const point of line.points) times.add(point[0]);
      for (const point of line.suspect) times.add(point[0]);
    }
    const xs = Array.from(times).sort(function (a, b) { return a - b; });
    const place = new Map(xs.map(function (x, index) { return [x, index]; }));
    const data = [xs];
    const notes = [null];
    for (const line of plot.lines) {
      for (const points of [line.points, line.suspect]) {
        // undefined: no point here, the line goes on; null: too long without a reading, the line breaks
        const values = new Array(xs.length).fill(undefined);
        const words = new Array(xs.length).fill("");
        for (const point of points) {
          values[place.get(point[0])] = point[1];
          words[place.get(point[0])] = point[2];
        }
        data.push(values);
        notes.push(words);
      }
    }
    return { data: data, notes: notes };
  }

  function series(plot, notes) {
    const all = [{}];
    plot.lines.forEach(function (line, index) {
      const value = function (column) {
        return function (_plot, raw, _series, at) {
          if (raw === null || raw === undefined || at === null) return "–";
          const note = notes[column][at];
          return raw + " " + plot.unit + (note ? " (" + note + ")" : "");
        };
      };
      all.push({
        label: line.label, stroke: colour("ink"), width: 1.5, dash: DASH[index % 2], value: value(all.length),
        points: { show: true, size: 6, fill: colour("ink") },
      });
      all.push({
        label: line.label + ", suspect", stroke: colour("soft"), width: 0, value: value(all.length),
        paths: function () { return null; },
        points: { show: true, size: 9, fill: "transparent", width: 2 },
      });
    });
    return all;
  }

  function shade(plot) {
    return function (u) {
      const box = u.bbox;
      const ctx = u.ctx;
      ctx.save();
      for (const band of plot.bands) {
        const edge = Math.max(box.top, Math.min(box.top + box.height, u.valToPos(band.limit, "y", true)));
        ctx.globalAlpha = 0.13;
        ctx.fillStyle = colour(band.severity);
        if (band.side === "above") ctx.fillRect(box.left, box.top, box.width, edge - box.top);
        else ctx.fillRect(box.left, edge, box.width, box.top + box.height - edge);
        ctx.globalAlpha = 1;
        if (edge <= box.top || edge >= box.top + box.height) continue;
        ctx.fillStyle = colour(band.severity + "-ink");
        ctx.font = Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
        const up = band.side === "above";
        ctx.textBaseline = up ? "bottom" : "top";
        ctx.fillText(band.words + " " + (up ? "≥ " : "≤ ") + band.limit, box.left + 4 * devicePixelRatio, edge);
      }
      ctx.restore();
    };
  }

  function bounds(plot, notes) {
    return function (u) {
      const ctx = u.ctx;
      ctx.save();
      ctx.fillStyle = colour("ink");
      ctx.font = "bold " + Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      for (let column = 1; column < notes.length; column += 2) {
        notes[column].forEach(function (word, at) {
          if (!word) return;
          ctx.fillText(word, u.valToPos(u.data[0][at], "x", true) + 6, u.valToPos(u.data[column][at], "y", true) - 6);
        });
      }
      ctx.restore();
    };
  }

  // Room for the values and for the nearest limit on either side.
  function scale(plot) {
    return function (_u, low, high) {
      if (low === null || high === null) return [0, 1];
      for (const band of plot.bands) {
        const reach = (high - low) * 0.6 + Math.abs(high) * 0.05;
        if (band.limit > high && band.limit - high < reach) high = band.limit;
        if (band.limit < low && low - band.limit < reach) low = band.limit;
      }
      const pad = (high - low) * 0.1 || 1;
      return [low - pad, high + pad];
    };
  }

  function axis() {
    return { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
  }

  function draw(plot) {
    const holder = document.getElementById("plot-" + plot.id);
    if (!holder) return;
    const made = columns(plot);
    const chart = new uPlot({
      width: holder.clientWidth || 320,
      height: 190,
      cursor: { sync: { key: sync.key, setSeries: false }, drag: { x: true, y: false } },
      tzDate: function (seconds) { return uPlot.tzDate(new Date(seconds * 1000), plot.zone); },
      scales: { x: { time: true, range: [plot.since, plot.until] }, y: { range: scale(plot) } },
      axes: [axis(), Object.assign(axis(), { size: 52 })],
      series: series(plot, made.notes),
      legend: { live: true },
      hooks: { drawAxes: [shade(plot)], draw: [bounds(plot, made.notes)] },
    }, made.data, holder);
    drawn.push([chart, holder]);
  }

  plots.forEach(draw);
  let asked = false;
  window.addEventListener("resize", function () {
    if (asked) return;
    asked = true;
    requestAnimationFrame(function () {
      asked = false;
      for (const pair of drawn) pair[0].setSize({ width: pair[1].clientWidth, height: 190 });
    });
  });
})();
