// Pictures are drawn with a pen. One pen draws on a canvas, the other writes SVG, so that what is
// seen on the page is what is saved.

import type { Ink } from "./ink.ts";

export type Point = readonly [number, number];
export type Box = readonly [left: number, top: number, width: number, height: number];

export interface TextStyle {
  readonly colour?: string;
  readonly size?: number;
  readonly bold?: boolean;
  readonly align?: "left" | "center" | "right";
  readonly turn?: boolean;
  /** Colour of an outline that keeps the text readable on a picture. */
  readonly halo?: string;
}

export interface Pen {
  readonly width: number;
  readonly height: number;
  readonly ink: Ink;
  /** Filled area; rings inside one another leave holes. */
  area(rings: readonly (readonly Point[])[], fill: string): void;
  line(points: readonly Point[], stroke: string, width: number, dash?: readonly number[]): void;
  dot(at: Point, radius: number, fill: string, stroke?: string): void;
  text(at: Point, text: string, style?: TextStyle): void;
  inside(box: Box, draw: () => void): void;
  /** A part that is drawn once and kept while its keys stay the same objects. */
  layer(key: object, draw: (pen: Pen) => void): void;
}

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const SIZE = 12;

const layers = new WeakMap<object, { canvas: HTMLCanvasElement; for: string }>();

/** A pen on a canvas whose size in CSS pixels is given. */
export function canvasPen(canvas: HTMLCanvasElement, width: number, height: number, ink: Ink): Pen {
  const scale = globalThis.devicePixelRatio || 1;
  const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return onContext(context, width, height, ink);
}

function onContext(context: CanvasRenderingContext2D, width: number, height: number, ink: Ink): Pen {
  const trace = (points: readonly Point[]) =>
    points.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
  const pen: Pen = {
    width, height, ink,
    area(rings, fill) {
      context.beginPath();
      for (const ring of rings) {
        trace(ring);
        context.closePath();
      }
      context.fillStyle = fill;
      context.fill("evenodd");
    },
    line(points, stroke, thick, dash = []) {
      context.beginPath();
      trace(points);
      context.setLineDash([...dash]);
      [context.strokeStyle, context.lineWidth, context.lineJoin, context.lineCap] = [stroke, thick, "round", "round"];
      context.stroke();
      context.setLineDash([]);
    },
    dot([x, y], radius, fill, stroke) {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = fill;
      context.fill();
      if (!stroke) return;
      [context.strokeStyle, context.lineWidth] = [stroke, 2];
      context.stroke();
    },
    text([x, y], text, { colour = ink.text, size = SIZE, bold = false, align = "left", turn = false, halo } = {}) {
      context.save();
      context.translate(x, y);
      if (turn) context.rotate(-Math.PI / 2);
      context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
      [context.textAlign, context.textBaseline] = [align, "middle"];
      if (halo) {
        [context.strokeStyle, context.lineWidth, context.lineJoin] = [halo, 4, "round"];
        context.strokeText(text, 0, 0);
      }
      context.fillStyle = colour;
      context.fillText(text, 0, 0);
      context.restore();
    },
    inside([left, top, wide, high], draw) {
      context.save();
      context.beginPath();
      context.rect(left, top, wide, high);
      context.clip();
      draw();
      context.restore();
    },
    layer(key, draw) {
      const scale = context.getTransform().a;
      const wanted = `${width} ${height} ${scale} ${ink.name}`;
      let kept = layers.get(key);
      if (kept?.for !== wanted) {
        const canvas = document.createElement("canvas");
        draw(canvasPen(canvas, width, height, ink));
        kept = { canvas, for: wanted };
        layers.set(key, kept);
      }
      context.drawImage(kept.canvas, 0, 0, width, height);
    },
  };
  return pen;
}

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escaped = (text: string) => text.replace(/[&<>"]/g, (c) => escapes[c]!);
const at = (x: number) => String(Math.round(x * 100) / 100);
const path = (points: readonly Point[]) => points.map(([x, y], i) => `${i ? "L" : "M"}${at(x)} ${at(y)}`).join("");

/** The same drawing as SVG text. */
export function toSvg(width: number, height: number, ink: Ink, title: string, draw: (pen: Pen) => void): string {
  const parts: string[] = [];
  let clips = 0;
  const pen: Pen = {
    width, height, ink,
    area(rings, fill) {
      parts.push(`<path d="${rings.map((ring) => `${path(ring)}Z`).join("")}" fill="${fill}" fill-rule="evenodd"/>`);
    },
    line(points, stroke, thick, dash = []) {
      const dashes = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
      parts.push(`<path d="${path(points)}" fill="none" stroke="${stroke}" stroke-width="${thick}" stroke-linejoin="round" stroke-linecap="round"${dashes}/>`);
    },
    dot([x, y], radius, fill, stroke) {
      const ring = stroke ? ` stroke="${stroke}" stroke-width="2"` : "";
      parts.push(`<circle cx="${at(x)}" cy="${at(y)}" r="${radius}" fill="${fill}"${ring}/>`);
    },
    text([x, y], text, { colour = ink.text, size = SIZE, bold = false, align = "left", turn = false, halo } = {}) {
      const anchor = { left: "start", center: "middle", right: "end" }[align];
      const rotate = turn ? ` transform="rotate(-90 ${at(x)} ${at(y)})"` : "";
      const outline = halo ? ` stroke="${halo}" stroke-width="4" paint-order="stroke" stroke-linejoin="round"` : "";
      parts.push(`<text x="${at(x)}" y="${at(y)}" fill="${colour}" font-size="${size}" text-anchor="${anchor}" dominant-baseline="middle"${bold ? ' font-weight="600"' : ""}${rotate}${outline}>${escaped(text)}</text>`);
    },
    inside([left, top, wide, high], draw) {
      const id = `clip${clips++}`;
      parts.push(`<clipPath id="${id}"><rect x="${at(left)}" y="${at(top)}" width="${at(wide)}" height="${at(high)}"/></clipPath><g clip-path="url(#${id})">`);
      draw();
      parts.push("</g>");
    },
    layer: (_, draw) => draw(pen),
  };
  draw(pen);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${escaped(FONT)}"><title>${escaped(title)}</title><rect width="100%" height="100%" fill="${ink.paper}"/>${parts.join("")}</svg>`;
}
