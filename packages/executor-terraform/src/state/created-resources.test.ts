import { expect, it } from "vitest";
import { isOrderly } from "./created-resources.ts";

it.each([
  ["succeeds", 0, true],
  ["fails", 1, true],
  ["is killed", null, false],
  ["crashes", 11, false],
  ["has a panic in a library", 2, false],
  ["is killed below a shell or in a container [upbound/provider-terraform#158]", 137, false],
])("has ended by itself, when a program %s with %j: %j", (_, code, expected) => {
  expect(isOrderly({ code })).toBe(expected);
});
