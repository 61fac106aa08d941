// What the build makes of an element in angle brackets. A button is a plain one unless it says that
// it sends a form.

import { createElement, Fragment } from "preact";

type Make = (type: any, props: any, ...children: any[]) => unknown;

export const h: Make = (type, props, ...children) =>
  createElement(type, type === "button" ? { type, ...props } : props, ...children);
export { Fragment };
