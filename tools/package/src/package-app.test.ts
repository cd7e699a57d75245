import { expect, it } from "vitest";
import type { Component } from "./load-components.ts";
import { toNotices } from "./package-app.ts";

const of = (name: string, licenseText: string | undefined): Component => {
  return { name, version: "1.0.0", license: "MIT", sha512: undefined, licenseText, imports: [] };
};

it("gives each text once, with all packages that have it", () => {
  const notices = toNotices([of("a", "Text\r\none\n"), of("b", "Other"), of("c", "Text\none")]);

  expect(notices.match(/Text\none/g)).toHaveLength(1);
  expect(notices).toContain("a@1.0.0\nc@1.0.0\n\nText\none");
  expect(notices).toContain("b@1.0.0\n\nOther");
});

it("names the licence of a package that brings no text", () => {
  expect(toNotices([of("a", undefined)])).toContain("a@1.0.0\n\nLicence: MIT");
});
