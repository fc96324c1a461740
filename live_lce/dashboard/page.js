// The page's own part: views, theme, size and keys.  What the server must know goes through the
// model "viewer"; everything that is measured comes from the server.
(() => {
  const root = document.documentElement;
  const views = ["now", "trend", "why", "past"];
  const keep = (key, value) => { try { localStorage.setItem("live_lce." + key, value) } catch { /* private window */ } };
  let viewer = null;
  const tell = (values) => { if (viewer) viewer.setv(values) };

  function show(view, remember = true) {
    for (const name of views) {
      document.getElementById(name).hidden = name !== view;
      const tab = document.querySelector(`[data-view=${name}]`);
      tab.setAttribute("aria-selected", String(name === view));
      tab.tabIndex = name === view ? 0 : -1;
    }
    if (remember) history.replaceState(null, "", "#" + view);
    tell({ view });
    requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
  }
  function theme(name) {
    root.dataset.theme = name;
    document.getElementById("theme").textContent = name === "dark" ? "Light" : "Dark";
    keep("theme", name);
    tell({ theme: name });
  }
  function large(yes) {
    root.dataset.large = yes ? "yes" : "no";
    document.getElementById("large").setAttribute("aria-pressed", String(yes));
    keep("large", root.dataset.large);
    requestAnimationFrame(() => window.dispatchEvent(new Event("resize")));
  }
  const actions = {
    1: () => show("now"), 2: () => show("trend"), 3: () => show("why"), 4: () => show("past"),
    l: () => large(root.dataset.large !== "yes"),
    d: () => theme(root.dataset.theme === "dark" ? "light" : "dark"),
    f: () => tell({ step: 0, steps: viewer.steps + 1 }),
    ArrowLeft: () => tell({ step: -1, steps: viewer.steps + 1 }),
    ArrowRight: () => tell({ step: 1, steps: viewer.steps + 1 }),
    "?": () => { const keys = document.getElementById("keys"); keys.open ? keys.close() : keys.showModal() },
  };
  const typing = (event) => event.composedPath().some((node) =>
    node instanceof HTMLElement && (node.isContentEditable || ["INPUT", "SELECT", "TEXTAREA"].includes(node.tagName)));

  for (const tab of document.querySelectorAll("[data-view]")) tab.onclick = () => show(tab.dataset.view);
  document.getElementById("theme").onclick = actions.d;
  document.getElementById("large").onclick = actions.l;
  document.getElementById("help").onclick = actions["?"];
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || typing(event)) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action) { event.preventDefault(); action() }
  });
  addEventListener("hashchange", () => show(views.includes(location.hash.slice(1)) ? location.hash.slice(1) : "now", false));

  function attach() {
    const document_ = window.Bokeh?.documents?.[0];
    viewer = document_?.get_model_by_name("viewer") ?? null;
    if (!viewer) return setTimeout(attach, 50);
    theme(root.dataset.theme);
    show(views.includes(location.hash.slice(1)) ? location.hash.slice(1) : "now", false);
    viewer.properties.beat.change.connect(() => { heard = Date.now() });
    // The server may ask for another view, e.g. when a point of the trend was clicked.
    viewer.properties.asked.change.connect(() => { if (viewer.asked) show(viewer.asked.split(" ")[0]) });
    root.dataset.ready = "yes";
  }
  // A dashboard that went away and came back does not know this page, nor does one whose connection
  // broke for long (a laptop that slept): the page is loaded anew.
  const SILENT = 12000;
  let away = false, heard = Date.now();
  async function beat() {
    let here = false;
    try { here = (await fetch("health", { cache: "no-store", signal: AbortSignal.timeout(4000) })).ok } catch { /* away */ }
    document.getElementById("away").hidden = here;
    if (here && (away || Date.now() - heard > SILENT)) return location.reload();
    away = !here;
    setTimeout(beat, away ? 1000 : 3000);
  }
  setTimeout(beat, 3000);

  large(root.dataset.large === "yes");
  show("now", false);
  attach();
})();
