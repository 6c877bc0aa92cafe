// The map draws what the table says, on one canvas in metres, the ground's tiles above the cells. Pointer and arrow keys give the
// same facts as the row. Without scripts, and on paper, the drawing that the page came with stands in its place.
const data = JSON.parse(document.getElementById("map-data").textContent);
const layersData = JSON.parse(document.getElementById("map-layers-data").textContent);
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

function tell(cell) {
  words.replaceChildren();
  const name = document.createElement("strong");
  name.textContent = cell[at.place];
  const facts = document.createElement("span");
  const hours = layersData.patrols[cell[at.cell]];
  facts.textContent = ` ${cellName(cell[at.cell])}${cell[at.area] ? `, ${cell[at.area]}` : ""}. ${cell[at.range]} offences, expected ${cell[at.expected_words]}. Chance of at least one ${cell[at.chance]}. ` +
    `Last 4 weeks ${cell[at.last_4w]}, same weeks last year ${cell[at.last_year]}, 52-week mean ${cell[at.mean_52w]}. ` +
    `${cell[at.change][0].toUpperCase()}${cell[at.change].slice(1)}.`;
  if (hours) facts.textContent += ` Patrols recorded here in ${layersData.patrol_days} days: ${hours} hours.`;
  words.append(name, facts);
}

function open(cell) {
  location.assign(data.address + encodeURIComponent(cell[at.cell]) + (data.week ? `?week=${encodeURIComponent(data.week)}` : ""));
}

function draw() {
  document.getElementById("overview").classList.add("app-overview--paper");
  box.hidden = false;
  document.getElementById("map-facts").hidden = false;
  const map = L.map(box, {
    crs: L.CRS.Simple, renderer: L.canvas({ padding: 0.3 }), minZoom: -9, maxZoom: 0, zoomSnap: 0.25, zoomDelta: 0.5,
    attributionControl: false, keyboard: false, scrollWheelZoom: false, zoomAnimation: !calm, fadeAnimation: !calm, inertia: !calm,
  });
  const layers = data.cells.map((cell) =>
    L.polygon(rings(cell), { weight: 0.4, color: "#8a949c", fillColor: shadeOf(cell[at.expected]), fillOpacity: 1, smoothFactor: 0 }));
  for (const [name, z] of [["ground", 410], ["marks", 405], ["borders", 415]]) {
    map.createPane(name).style.zIndex = z;
    map.getPane(name).style.pointerEvents = "none";
  }
  const bounds = L.latLngBounds(data.cells.flatMap((cell) => rings(cell).flat()));
  map.fitBounds(bounds, { padding: [6, 6], animate: false });
  map.setMaxBounds(bounds.pad(1));
  L.control.scale({ imperial: false, maxWidth: 90 }).addTo(map);
  // Back from a place: where one was, not the whole force again.
  const view = `map ${location.pathname}`;
  const came = performance.getEntriesByType("navigation")[0];
  const was = came && came.type === "back_forward" ? JSON.parse(sessionStorage.getItem(view) || "null") : null;
  if (was) map.setView(was.at, was.zoom, { animate: false });
  map.on("moveend", () => sessionStorage.setItem(view, JSON.stringify({ at: map.getCenter(), zoom: map.getZoom() })));
  L.featureGroup(layers).addTo(map);
  const tiled = { tileSize: 512, minZoom: -9, minNativeZoom: -7, maxNativeZoom: 0, maxZoom: 0, noWrap: true, keepBuffer: 1, updateWhenZooming: false };
  const ground = layersData.tiles ? L.tileLayer(layersData.tiles, { ...tiled, pane: "ground" }) : null;
  let service = layersData.service ? L.tileLayer(layersData.service, tiled) : null; // under the cells: its pictures are opaque
  if (service) service.addTo(map); else if (ground) ground.addTo(map);
  if (service) service.on("tileerror", () => {
    if (!service) return;
    service.remove();
    service = null;
    if (ground) ground.addTo(map);
    fade();
    document.getElementById("map-source").textContent = `The map service does not answer.${ground ? " The ground kept here is shown." : ""}`;
  });
  const byName = Object.fromEntries(data.cells.map((cell) => [cell[at.cell], cell]));
  const over = (pane) => ({ pane, renderer: L.svg({ pane, padding: 0.3 }), interactive: false, fill: false });
  const marks = over("marks"), borders = over("borders");
  for (const name of layersData.recommended) if (byName[name]) {
    L.polygon(rings(byName[name]), { ...marks, weight: 6, color: "#fff" }).addTo(map);
    L.polygon(rings(byName[name]), { ...marks, weight: 3, color: "#0b0c0c" }).addTo(map);
  }
  // Near the streets the cells step back, so that names read.
  const fade = () => { const near = layersData.tiles && map.getZoom() >= -2; map.getPane("overlayPane").style.opacity = service || near ? 0.45 : 1; };
  map.on("zoomend", fade);
  fade();
  for (const line of data.areas) L.polyline(line.map(([e, n]) => [n, e]), { ...borders, weight: 1.2, color: "#0b0c0c", dashArray: "5 4" }).addTo(map);
  for (const ring of data.outline) L.polyline(ring.map(([e, n]) => [n, e]), { ...borders, weight: 2, color: "#0b0c0c" }).addTo(map);
  const drawn = borders;
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

  patrols(map, byName);
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
  box.setAttribute("aria-label", "Map of places. Arrow keys go from place to place, Enter opens one, plus and minus zoom.");
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
  box.dataset.ready = "yes";
}

// Patrols as hatched cells with their hours, never anyone's track; off until asked for.
function patrols(map, byName) {
  const held = Object.entries(layersData.patrols).filter(([name]) => byName[name]);
  if (!held.length) return;
  const place = document.getElementById("map-layers");
  const label = document.createElement("label");
  const asked = Object.assign(document.createElement("input"), { type: "checkbox", id: "patrols" });
  label.append(asked, ` Patrols recorded in the last ${layersData.patrol_days} days, hours a place`);
  place.append(label);
  place.hidden = false;
  map.createPane("patrols").style.zIndex = 412;
  map.getPane("patrols").style.pointerEvents = "none";
  const group = L.layerGroup(held.flatMap(([name, hours]) => {
    const ring = rings(byName[name])[0], e = ring.map((p) => p[1]), n = ring.map((p) => p[0]);
    const west = Math.min(...e), east = Math.max(...e), south = Math.min(...n), north = Math.max(...n), wide = east - west, high = north - south;
    const hatch = [0.25, 0.5, 0.75, 1].flatMap((k) => [[[south, west + k * wide], [south + k * high, west]], [[north, east - k * wide], [north - k * high, east]]]);
    const icon = L.divIcon({ className: "app-map-hours", html: "", iconSize: [0, 0] });
    const mark = L.marker([(south + north) / 2, (west + east) / 2], { icon, pane: "patrols", interactive: false, keyboard: false });
    mark.on("add", () => mark.getElement().replaceChildren(Object.assign(document.createElement("span"), { textContent: `${hours} h` })));
    return [L.polyline(hatch, { pane: "patrols", renderer: patrols.svg ||= L.svg({ pane: "patrols", padding: 0.3 }), weight: 1.2, color: "#0b0c0c", interactive: false }), mark];
  }));
  asked.addEventListener("change", () => (asked.checked ? group.addTo(map) : group.remove()));
}

if (window.L && data.cells.length) draw();
