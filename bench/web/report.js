"use strict";
(() => {
  const data = JSON.parse(document.getElementById("plot").textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dashes = [[], [], [7, 4], [2, 3], [10, 3, 2, 3], [1, 4]];

  const three = (x) => String(Number(x.toPrecision(3)));
  const count = (x) => x == null ? "–" : Math.round(x).toLocaleString("en-US");
  const rate = (x) => x == null ? "–" : count(x) + "/s";
  const short = (x) => x >= 1e6 ? three(x / 1e6) + " M" : x >= 1e3 ? three(x / 1e3) + " k" : three(x);
  const units = [[1e9, "s"], [1e6, "ms"], [1e3, "µs"], [1, "ns"]];
  const span = (ns) => {
    if (ns == null) return "–";
    const [size, unit] = units.find(([size]) => ns >= size * 0.9995) || [1, "ns"];
    return three(ns / size) + " " + unit;
  };
  // A percentile that falls among the requests without an answer is at least so long.
  const latency = (ns) => ns != null && data.limit > 0 && ns >= data.limit ? "≥ " + span(data.limit) : span(ns);
  const percent = (x) => x <= 0 ? "0 %" : Number((100 * (1 - 10 ** -x)).toFixed(Math.max(0, Math.ceil(x) - 1))) + " %";

  const empty = (id, why) => {
    const place = document.getElementById(id);
    place.classList.add("empty");
    place.removeAttribute("role");
    place.textContent = why;
  };

  const axis = (more) => ({
    stroke: colour("--dim"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { stroke: colour("--grid"), width: 1 },
    font: "12px system-ui, sans-serif", ...more,
  });

  // Few points are dots joined by lines; many are lines alone.
  const series = (lines, colours, value) => lines.map((line, i) => ({
    label: line.name, stroke: colour(colours[i % colours.length]), width: 2, dash: dashes[i % dashes.length], value: (_, x) => value(x),
    points: { show: data.time.length <= 40, size: 5, fill: colour("--card") }, spanGaps: false,
  }));

  const shade = (u) => {
    if (!data.warmup) return;
    const left = u.bbox.left, right = Math.min(u.valToPos(0, "x", true), left + u.bbox.width);
    if (right <= left) return;
    u.ctx.save();
    u.ctx.fillStyle = colour("--shade");
    u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
    u.ctx.restore();
  };

  // The legend comes below, in as many lines as it needs.
  const size = (place) => ({ width: place.clientWidth, height: place.classList.contains("tall") ? 320 : place.classList.contains("short") ? 160 : 240 });

  const drawn = [];
  const draw = (id, options, values) => {
    const place = document.getElementById(id);
    const u = new uPlot({ ...size(place), cursor: { y: false, points: { size: 7 } }, ...options }, values, place);
    drawn.push([u, place]);
  };

  const logTicks = (u, i, low, high) => {
    const ticks = [];
    for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10)
      for (const step of high / low > 1e3 ? [1] : [1, 2, 5]) if (decade * step >= low && decade * step <= high) ticks.push(decade * step);
    return ticks;
  };
  const logRange = (u, low, high) => {
    if (low == null || low <= 0) return [1, 10];
    const steps = [1, 2, 5, 10], down = 10 ** Math.floor(Math.log10(low)), up = 10 ** Math.floor(Math.log10(high));
    return [down * [...steps].reverse().find((s) => down * s <= low), up * (steps.find((s) => up * s > high) || 20)];
  };
  const latencyAxis = () => axis({ scale: "ns", size: 72, splits: logTicks, filter: (_, ticks) => ticks, values: (_, ticks) => ticks.map(span) });
  const latencyScale = { distr: 3, range: logRange };

  const overTime = (id, lines, colours, value, more) => {
    if (data.time.length === 0 || lines.every((line) => line.values.every((x) => x == null))) return empty(id, "Nothing was measured.");
    const last = data.time.length - 1;
    draw(id, {
      scales: { x: { time: false, range: () => data.time.length > 1 ? [data.time[0] - .5, data.time[last] + .5] : [data.time[0] - 1, data.time[0] + 1] }, ...more.scales },
      axes: [axis({ values: (_, ticks) => ticks.map((t) => Number(t.toFixed(2)) + " s") }), more.axis()],
      series: [{ label: "second", value: (_, x) => x == null ? "–" : Math.floor(x) + " s" }, ...series(lines, colours, value).map((s) => ({ ...s, ...more.look?.[s.label], scale: more.scale }))],
      hooks: { drawClear: [shade] },
    }, [data.time, ...lines.map((line) => line.values)]);
  };

  const fromZero = (_, low, high) => [0, high > 0 ? high * 1.1 : 1];
  const counted = { scale: "n", scales: { n: { range: fromZero } }, axis: () => axis({ scale: "n", size: 72, values: (_, ticks) => ticks.map(short) }) };
  // Parts of a datagram do not exist, so neither do ticks between 0 and 1.
  const whole = { ...counted, axis: () => axis({ scale: "n", size: 72, values: (_, ticks) => ticks.map((t) => Number.isInteger(t) ? short(t) : "") }) };

  const distribution = () => {
    if (data.distribution.length === 0) return empty("distribution", "There is no distribution: nothing was answered.");
    const x = data.distribution.map((p) => p[0]), end = x[x.length - 1];
    const known = data.distribution.map((p) => p[0] <= data.known ? Math.max(p[1], 1) : null);
    const beyond = data.distribution.map((p) => p[0] > data.known ? p[1] : null);
    // The generator's delay has as many samples or more; it is looked up where the latency is.
    const own = x.map((at) => { const p = data.scheduling.find((q) => q[0] >= at - 1e-9); return p ? Math.max(p[1], 1) : null; });
    const line = (label, values, name, dash) => ({ label, stroke: colour(name), width: 2, dash, scale: "ns", points: { show: false }, values, value: (_, ns) => span(ns) });
    const all = [line("latency", known, "--c1", [])];
    if (beyond.some((ns) => ns != null)) all.push({ ...line("no answer: at least", beyond, "--c4", [3, 3]), value: (_, ns) => ns == null ? "–" : "≥ " + span(ns) });
    if (own.some((ns) => ns != null)) all.push(line("generator's own delay", own, "--c0", [7, 4]));
    draw("distribution", {
      scales: { x: { time: false, range: () => [0, Math.max(end, 1)] }, ns: latencyScale },
      axes: [axis({
        splits: () => { const ticks = document.body.clientWidth < 640 ? [0, 1] : [0, .30103, 1]; for (let t = 2; t <= end; t++) ticks.push(t); return ticks; },
        values: (_, ticks) => ticks.map(percent),
      }), latencyAxis()],
      series: [{ label: "share", value: (_, at) => at == null ? "–" : percent(at) }, ...all.map(({ values, ...s }) => s)],
    }, [x, ...all.map((s) => s.values)]);
  };

  const drawAll = () => {
    for (const [u] of drawn.splice(0)) u.destroy();
    // Sent and answered mostly lie on each other: the one is a broad band, the other a line on it.
    const look = { "asked for": { stroke: colour("--c0"), dash: [7, 4] }, sent: { stroke: colour("--band"), width: 7, dash: [], points: { show: false } }, answered: { stroke: colour("--c2"), dash: [] } };
    overTime("rates", data.rates, ["--c2"], rate, { ...counted, look });
    overTime("losses", data.losses, ["--c4", "--c5", "--c3", "--c1", "--c2", "--c0"], count, whole);
    overTime("percentiles", data.percentiles, ["--c1", "--c2", "--c3", "--c4", "--c5"], latency, { scale: "ns", scales: { ns: latencyScale }, axis: latencyAxis });
    distribution();
  };

  drawAll();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let waiting;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { for (const [u, place] of drawn) u.setSize(size(place)); }, 60);
  });
})();
