import { describe, expect, it } from "vitest";
import { findIgnoring } from "./ignored-changes.ts";

describe("findIgnoring", () => {
  it.each([
    ['resource "a_b" "c" {\n  lifecycle {\n    ignore_changes = [tags]\n  }\n}', ["a_b.c"]],
    ['resource "a_b" "c" {\n  x {\n    ignore_changes = all\n  }\n}', []],
    ['resource "a_b" "c" { lifecycle { ignore_changes = all } }\nresource "a_b" "d" {}', ["a_b.c"]],
    ['resource "a_b" "c" {\n  # ignore_changes = all\n}', []],
    ["", []],
  ])("of %j is %j", (text, names) => {
    expect(findIgnoring({ name: "main.tf", text })).toEqual(names);
  });

  it("reads JSON, in which each block may be a list", () => {
    const lifecycle = [{ ignore_changes: ["tags"] }];
    const resource = [
      { a_b: [{ c: { lifecycle } }, { d: {} }] },
      { a_c: { e: [{ lifecycle: { ignore_changes: "all" } }] } },
    ];

    expect(findIgnoring({ name: "main.tf.json", text: JSON.stringify({ resource }) })).toEqual(["a_b.c", "a_c.e"]);
  });
});
