// What the build makes of an element in angle brackets.
export { Fragment, h } from "preact";
