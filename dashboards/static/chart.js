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

  // What a device measured is a dot on the line. All else has a shape of its own and is joined to nothing.
  const APART = ["typed", "suspect", "withdrawn"];
  function apart(plot) {
    return APART.filter(function (kind) { return plot[kind].length; });
  }

  // One column of times; at each a value of one of the kinds, or none.
  function columns(plot) {
    const times = new Set();
    const kinds = ["points"].concat(apart(plot));
    for (const kind of kinds) for (const point of plot[kind]) times.add(point[0]);
    const xs = Array.from(times).sort(function (a, b) { return a - b; });
    const place = new Map(xs.map(function (x, index) { return [x, index]; }));
    const data = [xs];
    const notes = [null];
    for (const kind of kinds) {
      const points = plot[kind];
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
    return { data: data, notes: notes };
  }

  function series(plot) {
    const all = [
      {},
      { label: plot.title, stroke: colour("ink"), width: 1.5, points: { show: true, size: 6, fill: colour("ink") } },
    ];
    for (const kind of apart(plot)) {
      all.push({ label: kind, width: 0, paths: function () { return null; }, points: { show: false } });
    }
    return all;
  }

  // Typed: a ring. Suspect: a cross. Withdrawn: a ring that is struck through.
  const SHAPES = {
    typed: function (ctx, x, y, r) { ctx.arc(x, y, r, 0, 2 * Math.PI); },
    suspect: function (ctx, x, y, r) {
      ctx.moveTo(x - r, y - r);
      ctx.lineTo(x + r, y + r);
      ctx.moveTo(x - r, y + r);
      ctx.lineTo(x + r, y - r);
    },
    withdrawn: function (ctx, x, y, r) {
      ctx.arc(x, y, r, 0, 2 * Math.PI);
      ctx.moveTo(x - 1.8 * r, y);
      ctx.lineTo(x + 1.8 * r, y);
    },
  };
  function shapes(plot) {
    return function (u) {
      const ctx = u.ctx;
      ctx.save();
      ctx.lineWidth = 2 * devicePixelRatio;
      apart(plot).forEach(function (kind, index) {
        ctx.strokeStyle = colour(kind === "typed" ? "ink" : "soft");
        u.data[index + 2].forEach(function (value, at) {
          if (value === null || value === undefined) return;
          ctx.beginPath();
          SHAPES[kind](ctx, u.valToPos(u.data[0][at], "x", true), u.valToPos(value, "y", true), 4.5 * devicePixelRatio);
          ctx.stroke();
        });
      });
      ctx.restore();
    };
  }

  function shade(plot) {
    return function (u) {
      const box = u.bbox;
      const ctx = u.ctx;
      const floor = box.top + box.height;
      const y = function (value) { return Math.max(box.top, Math.min(floor, u.valToPos(value, "y", true))); };
      let used = [];
      ctx.save();
      ctx.textAlign = "left";
      ctx.font = Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      for (const stripe of plot.stripes) {
        const top = stripe.high === null ? box.top : y(stripe.high);
        const bottom = stripe.low === null ? floor : y(stripe.low);
        if (bottom - top < 1) continue;
        ctx.globalAlpha = 0.16;
        ctx.fillStyle = colour(stripe.severity);
        ctx.fillRect(box.left, top, box.width, bottom - top);
        ctx.globalAlpha = 1;
        const up = stripe.high === null || (stripe.low !== null && plot.stripes.some(function (other) { return other.low === stripe.high; }));
        const edge = up ? bottom : top;
        const room = 13 * devicePixelRatio;
        const line = up ? edge - 3 * devicePixelRatio : edge + 11 * devicePixelRatio;
        if (bottom - top < room || used.some(function (other) { return Math.abs(other - line) < room; })) continue;
        used.push(line);
        ctx.fillStyle = colour(stripe.severity + "-ink");
        ctx.fillText(stripe.words + (up ? " from " + stripe.low : " below " + stripe.high), box.left + 6 * devicePixelRatio, line);
      }
      ctx.restore();
    };
  }

  function bounds(notes) {
    return function (u) {
      const ctx = u.ctx;
      ctx.save();
      ctx.textAlign = "left";
      ctx.fillStyle = colour("ink");
      ctx.font = "bold " + Math.round(11 * devicePixelRatio) + "px system-ui, sans-serif";
      notes[1].forEach(function (word, at) {
        if (word) ctx.fillText(word, u.valToPos(u.data[0][at], "x", true) + 6, u.valToPos(u.data[1][at], "y", true) - 6);
      });
      ctx.restore();
    };
  }

  // Room for the values and for the nearest limit on either side.
  function scale(plot) {
    const edges = [];
    for (const stripe of plot.stripes) for (const edge of [stripe.low, stripe.high]) if (edge !== null) edges.push(edge);
    return function (_u, low, high) {
      if (low === null || high === null) return [0, 1];
      const above = edges.filter(function (edge) { return edge > high; });
      const below = edges.filter(function (edge) { return edge < low; });
      if (above.length) high = Math.min.apply(null, above);
      if (below.length) low = Math.max.apply(null, below);
      const pad = (high - low) * 0.12 || 1;
      return [low - pad, high + pad];
    };
  }

  // The reading under the pointer or the arrow keys, in one line; nothing while there is none.
  function words(u, plot, notes, at) {
    const when = u.data[0][at];
    const said = [];
    for (let column = 1; column < u.data.length; column += 1) {
      const value = u.data[column][at];
      if (value === null || value === undefined) continue;
      const note = notes[column][at];
      said.push(value + (plot.unit ? " " + plot.unit : "") + (note ? " (" + note + ")" : ""));
    }
    return said.length ? stamp(uPlot.tzDate(new Date(when * 1000), plot.zone)) + " · " + said.join(", ") : "";
  }
  const stamp = uPlot.fmtDate("{D} {MMM} {HH}:{mm}");

  function tell(plot, notes) {
    const line = document.getElementById("readout-" + plot.id);
    return function (u) {
      const at = u.cursor.idx;
      line.textContent = at === null || at === undefined ? "" : words(u, plot, notes, at);
    };
  }

  // Arrow keys, Home and End go from reading to reading; Escape, or leaving, takes the line away.
  function walk(chart, plot, notes, holder) {
    const announce = document.getElementById("announce");
    const places = [];
    chart.data[0].forEach(function (_x, at) { if (words(chart, plot, notes, at)) places.push(at); });
    let place = -1;
    function go(to) {
      place = Math.max(0, Math.min(places.length - 1, to));
      const at = places[place];
      chart.setCursor({ left: chart.valToPos(chart.data[0][at], "x"), top: chart.over.clientHeight / 2 });
      announce.textContent = words(chart, plot, notes, at);
    }
    function leave() {
      place = -1;
      chart.setCursor({ left: -10, top: -10 });
    }
    const steps = {
      ArrowLeft: function () { go(place === -1 ? places.length - 1 : place - 1); },
      ArrowRight: function () { go(place === -1 ? places.length - 1 : place + 1); },
      Home: function () { go(0); },
      End: function () { go(places.length - 1); },
      Escape: leave,
    };
    const frame = holder.parentElement;
    frame.addEventListener("keydown", function (event) {
      if (!steps[event.key] || event.ctrlKey || event.metaKey || event.altKey || !places.length) return;
      event.preventDefault();
      steps[event.key]();
    });
    frame.addEventListener("blur", leave);
  }

  function axis(more) {
    const base = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 } };
    return Object.assign(base, more);
  }
  const DAY = 86400;
  const timeAxis = {
    space: 64,
    values: [
      [DAY, "{D} {MMM}", null, null, null, null, null, null, 1],
      [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
    ],
  };

  function draw(plot) {
    const holder = document.getElementById("plot-" + plot.id);
    if (!holder) return;
    const made = columns(plot);
    const chart = new uPlot({
      width: holder.clientWidth || 320,
      height: 190,
      cursor: { sync: { key: sync.key, setSeries: false }, drag: { x: false, y: false } },
      tzDate: function (seconds) { return uPlot.tzDate(new Date(seconds * 1000), plot.zone); },
      scales: { x: { time: true, range: [plot.since, plot.until] }, y: { range: scale(plot) } },
      axes: [axis(timeAxis), axis({ size: 52 })],
      series: series(plot),
      legend: { show: false },
      hooks: { drawAxes: [shade(plot)], draw: [shapes(plot), bounds(made.notes)], setCursor: [tell(plot, made.notes)] },
    }, made.data, holder);
    walk(chart, plot, made.notes, holder);
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
