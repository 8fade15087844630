// Colours named theme:* in the figures are looked up here at drawing time, so a plot follows the page's light or dark.
(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const css = name => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  const faded = colour => {
    const n = parseInt(colour.slice(1), 16);
    return `rgba(${n >> 16}, ${(n >> 8) & 255}, ${n & 255}, ${dark.matches ? 0.28 : 0.22})`;
  };
  const resolve = value => {
    if (typeof value === "string") {
      if (value === "theme:diverging") return [[0, css("low")], [0.5, css("card")], [1, css("high")]];
      if (value.startsWith("theme:")) return css(value.slice(6));
      if (value.startsWith("fill:")) return faded(resolve(value.slice(5)));
      return value;
    }
    if (Array.isArray(value)) return value.map(resolve);
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([key, item]) =>
        [key, key === "text" || key === "name" || key === "ticktext" || key === "legendgroup" ? item : resolve(item)]));
    return value;
  };
  const hidden = new Map();
  const draw = place => {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    const off = hidden.get(place.dataset.gallery) || new Set();
    const data = resolve(figure.data).map(trace => off.has(trace.legendgroup) ? {...trace, visible: false} : trace);
    Plotly.react(place, data, {...resolveLayout(figure.layout), height: place.clientHeight, autosize: true},
      {displayModeBar: false, responsive: true});
  };
  const resolveLayout = layout => {
    const result = resolve(layout);
    for (const key of Object.keys(result).filter(key => /^[xy]axis/.test(key)))
      result[key].title = resolve(layout[key].title);
    (result.annotations || []).forEach((item, i) => item.font = resolve(layout.annotations[i].font));
    result.hoverlabel = {bgcolor: css("card"), bordercolor: css("line"), font: {color: css("ink"), size: 12}};
    return result;
  };
  const places = [...document.querySelectorAll(".plot")];
  const all = () => places.forEach(draw);
  document.querySelectorAll(".legend").forEach(legend => legend.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    const off = hidden.get(legend.dataset.gallery) || new Set();
    const name = button.dataset.name;
    off.has(name) ? off.delete(name) : off.add(name);
    hidden.set(legend.dataset.gallery, off);
    button.setAttribute("aria-pressed", String(!off.has(name)));
    places.filter(place => place.dataset.gallery === legend.dataset.gallery).forEach(draw);
  }));
  dark.addEventListener("change", all);
  all();
})();
