// A picture with its caption, its numbers as a table, and its files.

import { signal, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { inkOf } from "../draw/ink.ts";
import { canvasPen, toSvg, type Pen, type Point } from "../draw/pen.ts";
import { save } from "./files.ts";
import { inkVersion } from "./host.ts";

export interface PictureProps {
  readonly title: string;
  readonly draw: (pen: Pen) => void;
  readonly caption?: ComponentChildren;
  readonly table: () => TableData;
  /** Height over width. */
  readonly shape?: number;
  /** How much of the page it takes: the one that matters most, one of two, one beside the main one, or all. */
  readonly weight?: "main" | "half" | "small" | "wide";
  /** Pressed, dragged or let go at a place on the picture. */
  readonly onPointer?: (kind: "down" | "move" | "up", at: Point, size: Point, event: PointerEvent) => void;
  readonly children?: ComponentChildren;
}

export interface TableData {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
}

const [LOWEST, TALLEST] = [190, 460];

export function Picture({ title, draw, caption, table, shape = 0.72, weight = "half", onPointer, children }: PictureProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSignal<Point>([0, 0]);
  // The newest drawing, held in a signal so that a new one is drawn even when no number changed.
  const latest = useRef(signal(draw)).current;
  latest.value = draw;

  const ink = () => inkOf(canvas.current!, inkVersion.value);

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const width = Math.round(entry!.contentRect.width);
      if (width > 0) size.value = [width, Math.round(Math.min(TALLEST, Math.max(LOWEST, width * shape)))];
    });
    watch.observe(canvas.current!.parentElement!);
    return () => watch.disconnect();
  }, [shape]);

  useSignalEffect(() => {
    const [width, height] = size.value;
    if (width) latest.value(canvasPen(canvas.current!, width, height, ink()));
    else inkVersion.value;
  });

  const svg = () => {
    const [width, height] = size.value;
    return toSvg(width, height, ink(), title, latest.value);
  };
  const png = () => {
    const [width, height] = size.value;
    const copy = document.createElement("canvas");
    const ours = ink();
    latest.value(canvasPen(copy, width, height, ours));
    const context = copy.getContext("2d")!;
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = ours.paper;
    context.fillRect(0, 0, width, height);
    copy.toBlob((blob) => blob && save(`${slug(title)}.png`, blob));
  };
  const point = (kind: "down" | "move" | "up") => (event: PointerEvent) => {
    if (!onPointer || (kind === "move" && event.buttons === 0)) return;
    const box = canvas.current!.getBoundingClientRect();
    if (kind === "down") canvas.current!.setPointerCapture(event.pointerId);
    onPointer(kind, [event.clientX - box.left, event.clientY - box.top], size.value, event);
  };

  return (
    <figure class={`picture ${weight}`}>
      <figcaption>
        <h2>{title}</h2>
        <span class="files">
          <button onClick={png} aria-label={`Save ${title} as PNG`}>PNG</button>
          <button onClick={() => save(`${slug(title)}.svg`, svg(), "image/svg+xml")} aria-label={`Save ${title} as SVG`}>SVG</button>
        </span>
      </figcaption>
      <div class="canvas">
        <canvas
          ref={canvas} role="img" aria-label={`${title}. Its numbers are in the table below it.`} style={{ height: `${size.value[1]}px`, cursor: onPointer ? "crosshair" : "default", touchAction: onPointer ? "none" : "auto" }}
          onPointerDown={point("down")} onPointerMove={point("move")} onPointerUp={point("up")} onPointerCancel={point("up")}
        />
      </div>
      {caption && <p class="caption">{caption}</p>}
      {children}
      <Numbers title={title} table={table} />
    </figure>
  );
}

export const slug = (title: string) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/** The numbers of a picture, made only when they are asked for. */
export function Numbers({ title, table }: { title: string; table: () => TableData }) {
  const open = useSignal(false);
  return (
    <details class="numbers" open={open.value} onToggle={(event) => (open.value = event.currentTarget.open)}>
      <summary>Numbers<span class="away"> of {title}</span></summary>
      {open.value && <DataTable title={title} {...table()} />}
    </details>
  );
}

export function DataTable({ title, columns, rows }: TableData & { title: string }) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${title}: table`}>
      <table>
        <thead><tr>{columns.map((name) => <th key={name} scope="col">{name}</th>)}</tr></thead>
        <tbody>
          {rows.map((row, i) => <tr key={i}>{row.map((value, j) => (j ? <td key={j}>{value}</td> : <th key={j} scope="row">{value}</th>))}</tr>)}
        </tbody>
      </table>
    </div>
  );
}
