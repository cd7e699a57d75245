import { describe, expect, it } from "vitest";
import { parseSourcePath } from "./copy-source.ts";

describe("parseSourcePath", () => {
  it.each([
    ["network", "network", ""],
    ["terraform/app", "terraform/app", ""],
    ["terraform//app", "terraform", "app"],
    ["terraform//envs/app", "terraform", "envs/app"],
    ["terraform//envs//app", "terraform", "envs/app"],
    ["./terraform///app", "./terraform", "app"],
    ["//app", ".", "app"],
    ["terraform/app//", "terraform/app//", ""],
    ["a/", "a/", ""],
  ])("reads %j as %j and %j", (location, folder, inner) => {
    expect(parseSourcePath(location)).toEqual({ folder, inner });
  });
});
