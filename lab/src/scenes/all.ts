// The scenes, in the order they are met. A new one is a file here and a line in this list.

import type { Scene } from "../ui/scene.ts";
import { bowl } from "./bowl.tsx";
import { data } from "./data.tsx";
import { line } from "./line.tsx";
import { noise } from "./noise.tsx";
import { practice } from "./practice.tsx";
import { race } from "./race.tsx";
import { surfaces } from "./surfaces.tsx";

export const SCENES: readonly Scene[] = [line, bowl, surfaces, race, data, noise, practice];
