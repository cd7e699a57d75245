import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { scanJson } from "./scan-json.ts";

describe("scanJson", () => {
  it.each([
    ['{"a": 1, "a": 2}', ["/a"]],
    ['{"a": {"a": 1}, "b": {"a": 1}}', []],
    ['[{"a": 1}, {"a": 1}]', []],
    ['{"list": [1, [2, {"x": [], "x": {}}]], "list": 3}', ["/list/1/1/x", "/list"]],
    ['{"a": "\\"a\\":1", "b": "{,"}', []],
    ['{"\\u0061": 1, "a": 1}', ["/a"]],
    ['{"a~/b": 1, "a~/b": 1}', ["/a~0~1b"]],
    ['{"__proto__": 1, "__proto__": 2}', ["/__proto__"]],
  ])("finds the names that %s has twice", (text, duplicates) => {
    expect(scanJson(text, 10)).toEqual({ tooDeep: false, duplicates });
  });

  it("counts levels", () => {
    expect(scanJson("[[[]]]", 3).tooDeep).toBe(false);
    expect(scanJson("[[[[]]]]", 3).tooDeep).toBe(true);
    expect(scanJson('[{"a": [], "b": []}, {"c": "[[[["}]', 3).tooDeep).toBe(false);
  });

  it("tells no more than twenty", () => {
    expect(scanJson(`{${'"a":1,'.repeat(50)}"b":1}`, 3).duplicates).toHaveLength(20);
  });

  it("finds none in what was written from a value, however deep", () => {
    fc.assert(fc.property(fc.json(), (text) => scanJson(text, 100).duplicates.length === 0));
  });

  it("goes once through a text that does not end", () => {
    const began = performance.now();

    expect(scanJson(`{"a": "${'\\"'.repeat(100_000)}`, 5).tooDeep).toBe(false);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it("finishes on any text", () => {
    const soup = fc.string({ unit: fc.constantFrom("{", "}", "[", "]", '"', ":", ",", "\\", "a", "1") });

    fc.assert(fc.property(soup, (text) => Array.isArray(scanJson(text, 5).duplicates)));
  });
});
