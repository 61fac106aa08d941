// One module for every host: a notebook calls render, a page of its own is filled at once.

import { render as show } from "preact";
import { App } from "./ui/app.tsx";
import { pageHost, widgetHost, type Host, type Model } from "./ui/host.ts";
import "./style.css";

function fill(element: Element, host: Host): () => void {
  show(<App host={host} />, element);
  return () => show(null, element);
}

/** anywidget's way in. */
function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  return fill(el, widgetHost(model));
}

const own = document.getElementById("downslope-lab");
if (own) fill(own, pageHost());

export default { render };
