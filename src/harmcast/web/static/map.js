// The map draws what the table says, on one canvas in metres. Pointer and arrow keys give the same facts as the row.
const data = JSON.parse(document.getElementById("map-data").textContent);
const box = document.getElementById("map");
const words = document.getElementById("map-words");
const SHADES = ["#f4f8fb", "#d3e4f3", "#9fc6e3", "#5a9fcf", "#1f6cb0", "#0a3a6b"];
const at = Object.fromEntries(data.fields.map((name, i) => [name, i]));
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;

function shadeOf(expected) {
  let shade = 0;
  for (const [low, n] of data.classes) if (expected >= low) shade = n;
  return SHADES[shade];
}

function cellName(name) {
  const parts = /^(E-?\d+)(N-?\d+)$/.exec(name);
  return parts ? `${parts[1]} ${parts[2]}` : name;
}

function rings(cell) {
  const shape = data.shapes[cell[at.cell]];
  if (shape) return shape.map((ring) => ring.map(([e, n]) => [n, e]));
  const half = data.side_m / 2, e = cell[at.easting_m], n = cell[at.northing_m];
  return [[[n - half, e - half], [n - half, e + half], [n + half, e + half], [n + half, e - half]]];
}

// Centre of gravity of a ring, for an area's name.
function middle(ring) {
  let twice = 0, e = 0, n = 0;
  const [e0, n0] = ring[0];
  for (let i = 0; i < ring.length; i += 1) {
    const [a, b] = [ring[i][0] - e0, ring[i][1] - n0], [c, d] = [ring[(i + 1) % ring.length][0] - e0, ring[(i + 1) % ring.length][1] - n0];
    const part = a * d - c * b;
    twice += part; e += (a + c) * part; n += (b + d) * part;
  }
  return twice ? [e0 + e / (3 * twice), n0 + n / (3 * twice)] : ring[0];
}

function tell(cell) {
  words.replaceChildren();
  const name = document.createElement("strong");
  name.textContent = cellName(cell[at.cell]) + (cell[at.area] ? `, ${cell[at.area]}` : "");
  const facts = document.createElement("span");
  facts.textContent = ` ${cell[at.range]} offences, expected ${cell[at.expected_words]}. Chance of at least one ${cell[at.chance]}. ` +
    `Last 4 weeks ${cell[at.last_4w]}, same weeks last year ${cell[at.last_year]}, 52-week mean ${cell[at.mean_52w]}. ` +
    `${cell[at.change][0].toUpperCase()}${cell[at.change].slice(1)}.`;
  words.append(name, facts);
}

function open(cell) {
  location.assign(data.address + encodeURIComponent(cell[at.cell]) + (data.week ? `?week=${encodeURIComponent(data.week)}` : ""));
}

function draw() {
  box.hidden = false;
  document.getElementById("map-facts").hidden = false;
  const map = L.map(box, {
    crs: L.CRS.Simple, renderer: L.canvas({ padding: 0.3 }), minZoom: -9, maxZoom: 0, zoomSnap: 0.25, zoomDelta: 0.5,
    attributionControl: false, keyboard: false, scrollWheelZoom: false, zoomAnimation: !calm, fadeAnimation: !calm, inertia: !calm,
  });
  const layers = data.cells.map((cell) =>
    L.polygon(rings(cell), { weight: 0.4, color: "#8a949c", fillColor: shadeOf(cell[at.expected]), fillOpacity: 1, smoothFactor: 0 }));
  const bounds = L.latLngBounds(data.cells.flatMap((cell) => rings(cell).flat()));
  map.fitBounds(bounds, { padding: [6, 6], animate: false });
  map.setMaxBounds(bounds.pad(0.4));
  L.featureGroup(layers).addTo(map);
  for (const [name, parts] of Object.entries(data.areas))
    for (const ring of parts) L.polyline(ring.map(([e, n]) => [n, e]), { weight: 1.2, color: "#0b0c0c", opacity: 0.75, interactive: false }).addTo(map);
  for (const [name, parts] of Object.entries(data.areas)) {
    const centre = middle(parts.reduce((a, b) => (b.length > a.length ? b : a)));
    const icon = L.divIcon({ className: "app-map-name", html: "", iconSize: [0, 0] });
    const label = L.marker([centre[1], centre[0]], { icon, interactive: false, keyboard: false }).addTo(map);
    label.getElement().append(Object.assign(document.createElement("span"), { textContent: name }));
  }
  for (const ring of data.outline) L.polyline(ring.map(([e, n]) => [n, e]), { weight: 2, color: "#0b0c0c", interactive: false }).addTo(map);
  const drawn = { fill: false, interactive: false };
  const halo = L.polygon(rings(data.cells[0]), { weight: 6, color: "#ffdd00", ...drawn });
  const mark = L.polygon(rings(data.cells[0]), { weight: 3, color: "#0b0c0c", ...drawn });
  let here = -1;

  function choose(i, pan) {
    here = i;
    halo.setLatLngs(rings(data.cells[i]));
    mark.setLatLngs(rings(data.cells[i]));
    halo.addTo(map).bringToFront();
    mark.addTo(map).bringToFront();
    tell(data.cells[i]);
    for (const row of document.querySelectorAll("tr.app-row--here")) row.classList.remove("app-row--here");
    const row = document.querySelector(`tr[data-cell="${CSS.escape(data.cells[i][at.cell])}"]`);
    if (row) row.classList.add("app-row--here");
    if (pan) map.panInside(layers[i].getBounds().getCenter(), { padding: [40, 40], animate: !calm });
  }

  layers.forEach((layer, i) => {
    layer.on("mouseover", () => choose(i, false));
    layer.on("click", () => open(data.cells[i]));
  });

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  function next([dx, dy]) {
    if (here < 0) return 0;
    const e = data.cells[here][at.easting_m], n = data.cells[here][at.northing_m];
    let best = -1, least = Infinity;
    data.cells.forEach((cell, i) => {
      const along = dx * (cell[at.easting_m] - e) + dy * (cell[at.northing_m] - n);
      const aside = Math.abs(dy * (cell[at.easting_m] - e)) + Math.abs(dx * (cell[at.northing_m] - n));
      if (i === here || along <= 0 || aside > along) return;
      if (along + 2 * aside < least) { least = along + 2 * aside; best = i; }
    });
    return best < 0 ? here : best;
  }
  box.tabIndex = 0;
  box.setAttribute("role", "application");
  box.setAttribute("aria-label", "Map of cells. Arrow keys go from cell to cell, Enter opens one, plus and minus zoom.");
  box.setAttribute("aria-describedby", "map-words");
  box.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.target !== box) return;
    if (steps[event.key]) { choose(next(steps[event.key]), true); event.preventDefault(); }
    else if (event.key === "Enter" && here >= 0) open(data.cells[here]);
    else if (event.key === "+" || event.key === "=") map.zoomIn();
    else if (event.key === "-") map.zoomOut();
  });

  for (const row of document.querySelectorAll("tr[data-cell]")) {
    const i = data.cells.findIndex((cell) => cell[at.cell] === row.dataset.cell);
    if (i >= 0) row.addEventListener("mouseenter", () => choose(i, false));
  }
  window.addEventListener("resize", () => map.fitBounds(bounds, { padding: [6, 6], animate: false }));
  box.dataset.ready = "yes";
}

if (window.L && data.cells.length) draw();
