// Made-up tables to begin with, before there is one's own.

import { readTable, type Table } from "../engine/csv.ts";
import { normals, uniforms } from "../engine/random.ts";
import { range } from "../engine/vector.ts";

function houses(): Table {
  const [normal, uniform] = [normals(21), uniforms(22)];
  const lines = range(60).map(() => {
    const area = Math.round(500 + 3000 * uniform());
    const rooms = Math.max(1, Math.round(area / 550 + normal()));
    const age = Math.round(80 * uniform());
    const price = Math.round(40 + 0.12 * area + 9 * rooms - 0.6 * age + 25 * normal());
    return [area, rooms, age, price].join(",");
  });
  return readTable(["area,rooms,age,price", ...lines].join("\n"), "houses (made up)");
}

function exam(): Table {
  const [normal, uniform] = [normals(31), uniforms(32)];
  const lines = range(80).map(() => {
    const hours = (10 * uniform()).toFixed(1);
    const sleep = (4 + 5 * uniform()).toFixed(1);
    const passed = 0.9 * Number(hours) + 0.7 * Number(sleep) - 9 + 1.5 * normal() > 0 ? "yes" : "no";
    return [hours, sleep, passed].join(",");
  });
  return readTable(["hours,sleep,passed", ...lines].join("\n"), "exam (made up)");
}

export const samples = (): Table[] => [houses(), exam()];
